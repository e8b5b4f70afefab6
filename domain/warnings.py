"""Warnings: what a finished download lacks or leaves in doubt, though its file is good."""

from dataclasses import dataclass
from enum import StrEnum

MAX_WARNINGS = 10
"""Warnings of one download."""

MAX_SUBJECT_LENGTH = 100
"""Code points of what a warning is about."""


class WarningCode(StrEnum):
    """The stable codes that row and API share."""

    SUBTITLES_MISSING = "subtitles_missing"
    THUMBNAIL_MISSING = "thumbnail_missing"
    CHAPTERS_MISSING = "chapters_missing"
    DURATION_MISMATCH = "duration_mismatch"
    RECORDING_ENDED = "recording_ended"
    RECORDING_GAPS = "recording_gaps"


_MESSAGES = {
    WarningCode.SUBTITLES_MISSING: "Subtitles are missing: {}.",
    WarningCode.THUMBNAIL_MISSING: "The thumbnail could not be fetched.",
    WarningCode.CHAPTERS_MISSING: "The chapters could not be added.",
    WarningCode.DURATION_MISMATCH: "Another duration was stated: {}.",
    WarningCode.RECORDING_ENDED: "The recording of the live stream was ended: {}.",
    WarningCode.RECORDING_GAPS: "Parts of the live stream are missing: {}.",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class DownloadWarning:
    """One thing that the owner of a finished download should know.

    Attributes:
        subject: What the message names, such as the languages that are missing; may be empty.
    """

    code: WarningCode
    subject: str = ""

    @property
    def message(self) -> str:
        """Return the sentence for a person."""
        text = _MESSAGES[self.code]
        return text.format(self.subject) if self.subject else text.replace(": {}", "")
