"""What is fetched beside the video: if it fails, the video comes without it."""

import time
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from typing import Any

from domain.failures import StalledError, TooLargeError
from domain.warnings import MAX_SUBJECT_LENGTH, DownloadWarning, WarningCode
from gateways.ytdlp.subtitles import MAX_SUBTITLE_BYTES

TIMEOUT_S = 5.0
"""How long a source may be silent about a side matter."""

RETRY_WAIT_S = 2.0
"""What asks for a longer wait is left out."""

_MIN_RATE_BPS = 1024


class Aside:
    """Counts what was left out, and keeps side matters from costing the video its time.

    Args:
        patience_s: How long failures may take in all.
    """

    def __init__(self, patience_s: float) -> None:
        self._patience_s = patience_s
        self._lost_s = 0.0
        self._begun_at: float | None = None
        self.missing: list[str] = []

    @property
    def is_active(self) -> bool:
        """Whether a side matter is fetched now."""
        return self._begun_at is not None

    @property
    def is_exhausted(self) -> bool:
        """Whether failures have taken so long that the rest is left out too."""
        return self._lost_s >= self._patience_s

    @contextmanager
    def trying(self) -> Generator[None]:
        """Fetch one side matter; what it raises has cost its time."""
        begun_at = self._begun_at = time.monotonic()
        is_whole = False
        try:
            yield
            is_whole = True
        finally:
            self._lost_s += 0.0 if is_whole else time.monotonic() - begun_at
            self._begun_at = None

    def watch(self, hook: Mapping[str, Any]) -> None:
        """Take one call of yt-dlp's progress hook.

        Raises:
            TooLargeError: More came than subtitles weigh.
            StalledError: It comes too slowly.
        """
        if self._begun_at is None:
            return
        size_bytes = hook.get("downloaded_bytes") or 0
        took_s = time.monotonic() - self._begun_at
        if size_bytes > MAX_SUBTITLE_BYTES:
            raise TooLargeError
        if took_s > self._patience_s and size_bytes < _MIN_RATE_BPS * took_s:
            raise StalledError

    @property
    def warnings(self) -> tuple[DownloadWarning, ...]:
        """Return what its owner must know of a video that came without something."""
        if not self.missing:
            return ()
        languages = ", ".join(dict.fromkeys(self.missing))[:MAX_SUBJECT_LENGTH]
        return (DownloadWarning(code=WarningCode.SUBTITLES_MISSING, subject=languages),)
