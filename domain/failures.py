"""Everything that can go wrong with a download: one tree, one code for each leaf."""

from datetime import timedelta
from enum import StrEnum
from typing import ClassVar


class FailureCode(StrEnum):
    """The stable codes that row, API and metrics share.

    Source: the contract, section 3.
    """

    INVALID_URL = "invalid_url"
    FORBIDDEN_ADDRESS = "forbidden_address"
    UNSUPPORTED_SITE = "unsupported_site"
    UNAVAILABLE = "unavailable"
    PRIVATE = "private"
    LOGIN_REQUIRED = "login_required"
    GEO_BLOCKED = "geo_blocked"
    DRM_PROTECTED = "drm_protected"
    RATE_LIMITED = "rate_limited"
    BLOCKED = "blocked"
    PROXY_UNAVAILABLE = "proxy_unavailable"
    TIMED_OUT = "timed_out"
    STALLED = "stalled"
    TOO_LARGE = "too_large"
    LIVE_STREAM = "live_stream"
    IS_PLAYLIST = "is_playlist"
    DISK_FULL = "disk_full"
    CANCELLED = "cancelled"
    INTERRUPTED = "interrupted"
    CORRUPT = "corrupt"
    INTERNAL = "internal"


class DownloadError(Exception):
    """A download, or one attempt at it, could not go on.

    The text is shown to the owner: no path, no proxy, no cookie may stand in it.

    Attributes:
        detail: What yt-dlp said, cleaned, for administrators and logs alone; may be empty.
    """

    code: ClassVar[FailureCode] = FailureCode.INTERNAL
    explanation: ClassVar[str] = "Something went wrong on our side."

    def __init__(self, explanation: str | None = None) -> None:
        super().__init__(explanation or self.explanation)
        self.detail = ""


class PermanentError(DownloadError):
    """Trying again would end the same way; never retried."""


class TransientError(DownloadError):
    """Another attempt may succeed; how often and when says domain/policy.py.

    Attributes:
        retry_after: What the source asked us to wait, or None.
    """

    def __init__(
        self, explanation: str | None = None, *, retry_after: timedelta | None = None
    ) -> None:
        super().__init__(explanation)
        self.retry_after = retry_after


class InvalidUrlError(PermanentError):
    """The address is not one that a download can start from."""

    code = FailureCode.INVALID_URL
    explanation = "The address is not a valid http or https address."


class ForbiddenAddressError(PermanentError):
    """The address, or one that it led to, may not be reached from here."""

    code = FailureCode.FORBIDDEN_ADDRESS
    explanation = "This address is not allowed."


class UnsupportedSiteError(PermanentError):
    """No extractor found a video at the address, or not in the wanted form."""

    code = FailureCode.UNSUPPORTED_SITE
    explanation = "No video that can be downloaded was found at this address."


class SourceGoneError(PermanentError):
    """The source answered that the video is not there, or not for us."""

    code = FailureCode.UNAVAILABLE
    explanation = "The site says that this video is not available."


class PrivateError(PermanentError):
    """The video is private."""

    code = FailureCode.PRIVATE
    explanation = "This video is private."


class LoginRequiredError(PermanentError):
    """The site shows the video only to those who have signed in, or paid."""

    code = FailureCode.LOGIN_REQUIRED
    explanation = "The site shows this video only to people who have signed in there."


class DrmProtectedError(PermanentError):
    """The video is encrypted in a way that only a licensed player can open."""

    code = FailureCode.DRM_PROTECTED
    explanation = "This video is protected by DRM and cannot be downloaded."


class BrokenExtractorError(PermanentError):
    """yt-dlp met something at the site that it does not know and asks to have reported."""

    code = FailureCode.INTERNAL
    explanation = "This server cannot read this page of the site; an update may help."


class GeoBlockedError(PermanentError):
    """The site does not show the video where the proxy stands."""

    code = FailureCode.GEO_BLOCKED
    explanation = "The site does not show this video in the country of the proxy."


class TooLargeError(PermanentError):
    """The download passed a limit of size, memory or processor time."""

    code = FailureCode.TOO_LARGE
    explanation = "The video is larger than this server allows."


class LiveStreamError(PermanentError):
    """The video has no end yet."""

    code = FailureCode.LIVE_STREAM
    explanation = (
        "This is a live stream; it can be downloaded after it has ended, or recorded if that is"
        " asked for."
    )


class NotRecordableError(PermanentError):
    """The video has no end yet, and comes in a way that cannot be recorded."""

    code = FailureCode.LIVE_STREAM
    explanation = (
        "This live stream cannot be recorded: only HLS with picture and sound in one playlist can."
    )


class EntryGoneError(PermanentError):
    """The list at the address does not have the entry that was wished."""

    code = FailureCode.UNAVAILABLE
    explanation = "This video is no longer in the list at this address."


class IsPlaylistError(PermanentError):
    """The address leads to several videos, and the request names none of them.

    Attributes:
        entries: How many there are, as far as they were counted; None if that is not known.
        is_truncated: Whether there are more.
    """

    code = FailureCode.IS_PLAYLIST
    explanation = "This address is a list of several videos."

    def __init__(
        self,
        explanation: str | None = None,
        *,
        entries: int | None = None,
        is_truncated: bool = False,
    ) -> None:
        super().__init__(explanation or _counted(entries, is_truncated=is_truncated))
        self.entries = entries
        self.is_truncated = is_truncated


def _counted(entries: int | None, *, is_truncated: bool) -> str | None:
    if entries is None:
        return None
    more = "more than " if is_truncated else ""
    return f"This address is a list of {more}{entries} videos, not a single one."


class SourceTroubleError(TransientError):
    """The source broke off, answered 5xx, or could not be reached."""

    code = FailureCode.UNAVAILABLE
    explanation = "The site did not answer properly."


class RateLimitedError(TransientError):
    """The source asked for fewer requests (429)."""

    code = FailureCode.RATE_LIMITED
    explanation = "The site limits how much may be downloaded for now."


class BlockedError(TransientError):
    """The source refused this visitor (401, 403); another proxy may be let in."""

    code = FailureCode.BLOCKED
    explanation = "The site refused the request."


REDIS_AWAY = "redis_away"
"""The reason if a proxy was available but could not be kept in Redis: our own fault."""


class ProxyUnavailableError(TransientError):
    """The provider gave no usable proxy.

    Attributes:
        reason: One word for counters, such as ``timeout`` or ``http_402``.
    """

    code = FailureCode.PROXY_UNAVAILABLE
    explanation = "No proxy could be had for this download."

    def __init__(
        self,
        explanation: str | None = None,
        *,
        retry_after: timedelta | None = None,
        reason: str = "unavailable",
    ) -> None:
        super().__init__(explanation, retry_after=retry_after)
        self.reason = reason


class ProxyFaultError(TransientError):
    """The rented proxy does not work; the next attempt takes another."""

    code = FailureCode.PROXY_UNAVAILABLE
    explanation = "The proxy of this download stopped working."


class TimedOutError(TransientError):
    """The attempt took longer than it may."""

    code = FailureCode.TIMED_OUT
    explanation = "The download took too long."


class StalledError(TransientError):
    """Too few bytes came for too long."""

    code = FailureCode.STALLED
    explanation = "The site stopped sending."


class DiskFullError(TransientError):
    """The node has no room for the file."""

    code = FailureCode.DISK_FULL
    explanation = "The storage is full for now."


class InterruptedDownloadError(TransientError):
    """The work was cut off on our side: a worker or a child died."""

    code = FailureCode.INTERRUPTED
    explanation = "The download was interrupted on our side."


class CorruptError(TransientError):
    """What arrived is not the whole video."""

    code = FailureCode.CORRUPT
    explanation = "The file that arrived is damaged or not a video."


class UnexpectedError(TransientError):
    """A fault that nobody foresaw; tried once more, and an alert."""

    code = FailureCode.INTERNAL
