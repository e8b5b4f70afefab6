"""What an exception of yt-dlp means in our own words, judged by type and status, never by text."""

import errno
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Any

from domain import failures
from domain.failures import DownloadError, IsPlaylistError, TransientError
from gateways.retry_after import parse_retry_after, retry_after_text
from gateways.ytdlp.protocol import Failed
from gateways.ytdlp.texts import clean_remark

MAX_CHAIN = 20
"""Exceptions that are looked at; a cycle or a deep recursion ends there."""

_LEAVES = {
    leaf.__name__: leaf
    for branch in (failures.PermanentError, failures.TransientError)
    for leaf in branch.__subclasses__()
}

_BY_ERRNO: dict[int | None, type[DownloadError]] = {
    errno.ENOSPC: failures.DiskFullError,
    errno.EDQUOT: failures.DiskFullError,
    errno.EFBIG: failures.TooLargeError,
    errno.ENOMEM: failures.TooLargeError,
}

# Source: yt_dlp/extractor/common.py, the field ``availability``.
_BY_AVAILABILITY: dict[object, type[DownloadError]] = {
    "private": failures.PrivateError,
    "needs_auth": failures.LoginRequiredError,
    "premium_only": failures.LoginRequiredError,
    "subscriber_only": failures.LoginRequiredError,
}

_BY_STATUS: dict[int | None, type[DownloadError]] = {
    HTTPStatus.UNAUTHORIZED: failures.LoginRequiredError,
    HTTPStatus.FORBIDDEN: failures.BlockedError,
    HTTPStatus.PROXY_AUTHENTICATION_REQUIRED: failures.ProxyFaultError,
    HTTPStatus.REQUEST_TIMEOUT: failures.SourceTroubleError,
    HTTPStatus.TOO_EARLY: failures.SourceTroubleError,
    HTTPStatus.TOO_MANY_REQUESTS: failures.RateLimitedError,
}

# In this order: the first kind found anywhere in the chain decides, because yt-dlp wraps the
# telling exception in others. The names are those of yt_dlp.utils and yt_dlp.networking.exceptions.
_BY_NAME: tuple[tuple[str, type[DownloadError]], ...] = (
    ("GeoRestrictedError", failures.GeoBlockedError),
    ("UserNotLive", failures.LiveStreamError),
    ("UnsupportedError", failures.UnsupportedSiteError),
    ("_UnsafeExtensionError", failures.UnsupportedSiteError),
)
_BY_NAME_LAST: tuple[tuple[str, type[DownloadError]], ...] = (
    ("ProxyError", failures.ProxyFaultError),
    ("TransportError", failures.SourceTroubleError),
    ("ContentTooShortError", failures.SourceTroubleError),
    ("PostProcessingError", failures.CorruptError),
    # A scheme or a body that no part of yt-dlp can take.
    ("RequestError", failures.UnsupportedSiteError),
)


def report_of(error: BaseException, now: datetime) -> Failed:
    """Return the report for the exception that ended a fetch.

    Args:
        now: What a date in Retry-After is measured against; aware.
    """
    chain = list(_chain(error))
    names = " < ".join(type(link).__name__ for link in chain)
    detail = _detail(error)
    own = next((link for link in chain if isinstance(link, DownloadError)), None)
    if isinstance(own, IsPlaylistError):
        return Failed(
            leaf=type(own).__name__,
            chain=names,
            detail=detail,
            entries=own.entries,
            is_truncated=own.is_truncated,
        )
    if own is not None:
        return Failed(leaf=type(own).__name__, chain=names, detail=detail)
    leaf = _leaf(chain)
    wait = _retry_after(chain, now) if issubclass(leaf, TransientError) else None
    return Failed(leaf=leaf.__name__, chain=names, detail=detail, retry_after=wait)


def error_of(report: Failed) -> DownloadError:
    """Return the exception that a child's report stands for.

    A name that is not a leaf of domain/failures.py becomes ``UnexpectedError``.
    """
    leaf = _LEAVES.get(report.leaf, failures.UnexpectedError)
    if issubclass(leaf, IsPlaylistError):
        error = leaf(entries=report.entries, is_truncated=report.is_truncated)
    elif issubclass(leaf, TransientError):
        error = leaf(retry_after=report.retry_after)
    else:
        error = leaf()
    error.add_note(f"in the child: {report.chain[:500]}")
    error.detail = report.detail
    return error


def refusal_of(media: Mapping[str, Any]) -> DownloadError | None:
    """Return why a site offers no format of a video, if yt-dlp has marked it, else None.

    Args:
        media: yt-dlp's own dictionary of it.
    """
    if media.get("_has_drm"):
        return failures.DrmProtectedError()
    kind = _BY_AVAILABILITY.get(media.get("availability"))
    return None if kind is None else kind()


def _leaf(chain: list[BaseException]) -> type[DownloadError]:
    rules: tuple[Callable[[BaseException], type[DownloadError] | None], ...] = (
        _machine_cause,
        lambda link: _named(link, _BY_NAME),
        _status_cause,
        lambda link: _named(link, _BY_NAME_LAST),
        _extractor_cause,
    )
    for rule in rules:
        for link in chain:
            leaf = rule(link)
            if leaf is not None:
                return leaf
    # A bare DownloadError: yt-dlp itself gives up on what it has read; it will read the same again.
    if _is_kind(chain[0], "DownloadError") and len(chain) == 1:
        return failures.UnsupportedSiteError
    if any(isinstance(link, ConnectionError | TimeoutError) for link in chain):
        return failures.SourceTroubleError
    return failures.UnexpectedError


def _machine_cause(link: BaseException) -> type[DownloadError] | None:
    if isinstance(link, MemoryError):
        return failures.TooLargeError
    return _BY_ERRNO.get(link.errno) if isinstance(link, OSError) else None


def _status_cause(link: BaseException) -> type[DownloadError] | None:
    if not _is_kind(link, "HTTPError"):
        return None
    status = getattr(link, "status", None)
    if status in _BY_STATUS:
        return _BY_STATUS[status]
    if isinstance(status, int) and HTTPStatus.BAD_REQUEST <= status < 500:  # noqa: PLR2004 - 5xx
        return failures.SourceGoneError
    return failures.SourceTroubleError


def _extractor_cause(link: BaseException) -> type[DownloadError] | None:
    if not _is_kind(link, "ExtractorError"):
        return None
    if getattr(link, "expected", False):
        return failures.UnsupportedSiteError
    return failures.BrokenExtractorError


def _detail(error: BaseException) -> str:
    """Return what yt-dlp said: its remarks, which came as notes, or else the exception's text."""
    notes: list[str] = getattr(error, "__notes__", [])
    return clean_remark(" ".join(notes) or f"{type(error).__name__}: {error}")


def _named(
    link: BaseException, table: tuple[tuple[str, type[DownloadError]], ...]
) -> type[DownloadError] | None:
    return next((leaf for name, leaf in table if _is_kind(link, name)), None)


def _is_kind(link: BaseException, name: str) -> bool:
    """Whether it is yt-dlp's exception of that name, or one made from it.

    By name, because only child.py imports yt_dlp.
    """
    return any(
        kind.__name__ == name and kind.__module__.partition(".")[0] == "yt_dlp"
        for kind in type(link).__mro__
    )


def _chain(error: BaseException) -> Iterator[BaseException]:
    """Yield the exception and all that it was made from, the outermost first."""
    waiting, seen = [error], set[int]()
    while waiting and len(seen) < MAX_CHAIN:
        link = waiting.pop(0)
        if id(link) in seen:
            continue
        seen.add(id(link))
        yield link
        # yt-dlp keeps causes of its own: ``exc_info`` (a triple) and ``cause`` (or a text).
        _, inner, _ = getattr(link, "exc_info", None) or (None, None, None)
        causes = (inner, getattr(link, "cause", None), link.__cause__, link.__context__)
        waiting += [cause for cause in causes if isinstance(cause, BaseException)]


def _retry_after(chain: list[BaseException], now: datetime) -> timedelta | None:
    for link in chain:
        text = retry_after_text(link)
        if text is not None:
            return parse_retry_after(text, now)
    return None
