"""The changes made to yt-dlp itself, once in each server, before anything uses it.

Where yt-dlp reduces a cause to a text, the exception is kept, so that its type can be judged.
"""

# ruff: noqa: ANN401 - what is replaced takes and returns whatever yt-dlp gives it

import random
import time
from codecs import BOM_UTF8
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import wraps
from http import HTTPStatus
from io import BytesIO
from pathlib import Path
from typing import Any

from yt_dlp import downloader as downloaders  # noqa: TID251 - changes it
from yt_dlp.downloader.common import FileDownloader  # noqa: TID251 - changes it
from yt_dlp.downloader.fragment import FragmentFD  # noqa: TID251 - changes it
from yt_dlp.downloader.http import HttpFD  # noqa: TID251 - changes it
from yt_dlp.extractor.common import InfoExtractor  # noqa: TID251 - changes it
from yt_dlp.extractor.generic import GenericIE  # noqa: TID251  # pyright: ignore[reportMissingTypeStubs] - changes it
from yt_dlp.networking import Response  # noqa: TID251 - makes one
from yt_dlp.postprocessor.ffmpeg import FFmpegEmbedSubtitlePP  # noqa: TID251  # pyright: ignore[reportMissingTypeStubs] - changes it
from yt_dlp.utils import (  # noqa: TID251 - changes what raises them
    DownloadError,
    ExtractorError,
    PostProcessingError,
    prepend_extension,
)
from yt_dlp.utils._utils import _UnsafeExtensionError  # noqa: TID251  # pyright: ignore[reportPrivateUsage] - its list is nowhere else

from domain.failures import CorruptError, DrmProtectedError, LoginRequiredError
from gateways.retry_after import parse_retry_after, retry_after_text
from gateways.ytdlp.aside import RETRY_WAIT_S
from gateways.ytdlp.connections import retry_wait
from gateways.ytdlp.dash import joining_ranges
from gateways.ytdlp.hls import Hls, is_growing
from gateways.ytdlp.options import UNFINISHED, UNNAMED
from gateways.ytdlp.playlists import Playlist, parse

# Any, because all that is replaced has types only in yt-dlp's stubs, if at all.
_Method = Callable[..., Any]

_unsafe: Any = _UnsafeExtensionError
_TAKEN_EXTENSIONS: frozenset[str] = _unsafe.ALLOWED_EXTENSIONS - UNFINISHED

# 509: "bandwidth limit exceeded", of no RFC and of many servers.
_REFUSALS = (HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE, 509)


def adjust() -> None:
    """Replace the methods that lose a cause, or fail on harmless input."""
    downloader: Any = FileDownloader
    http: Any = HttpFD
    extractor: Any = InfoExtractor
    embedder: Any = FFmpegEmbedSubtitlePP
    embedder.run = _leaving_out(embedder.run)
    fragments: Any = FragmentFD
    downloader.report_retry = _retrying_with_care(downloader.report_retry)
    fragments._download_fragment = _in_turn(fragments._download_fragment)  # noqa: SLF001 - one connection each
    http.real_download = _judging_nothing(http.real_download)
    extractor.raise_login_required = _caused_by(LoginRequiredError, extractor.raise_login_required)
    extractor.report_drm = _caused_by(DrmProtectedError, extractor.report_drm)
    choice: Any = downloaders
    choice.HlsFD = choice.PROTOCOL_MAP["m3u8_native"] = Hls
    extractor._parse_mpd_periods = joining_ranges(extractor._parse_mpd_periods)  # noqa: SLF001 - all manifests pass it
    generic: Any = GenericIE
    generic._extra_manifest_info = _finding_out(generic._extra_manifest_info)  # noqa: SLF001 - where it guesses
    extractor._parse_m3u8_vod_duration = _vod_duration  # noqa: SLF001 - of under a second it says None
    extractor._request_webpage = _without_mark(extractor._request_webpage)  # noqa: SLF001 - pages and playlists
    generic._request_webpage = _closing_before(extractor._request_webpage)  # noqa: SLF001 - its own


def name_safely(media: Any) -> None:
    """Give a video an extension that yt-dlp takes; what is in it decides later."""
    for one in (media, *(media.get("requested_formats") or ())):
        if str(one.get("ext")).lower() not in _TAKEN_EXTENSIONS:
            one["ext"] = UNNAMED


def part_of(body: BytesIO, url: str, headers: Mapping[str, str]) -> Any:
    """Return a response of yt-dlp's to a part of an address."""
    return Response(body, url, headers, status=HTTPStatus.PARTIAL_CONTENT)


def _retrying_with_care(original: _Method) -> _Method:
    """Wait before each retry, and raise the last error itself, where yt-dlp raises its text.

    A source that refuses one of several connections is asked for one at a time from then on.
    """
    # Any: it takes a triple without a traceback too.
    failure: Any = DownloadError

    @wraps(original)
    def report_retry(
        self: Any, err: Exception, count: int, retries: int, *more: Any, **named: Any
    ) -> None:
        is_fatal = named.get("fatal", more[1] if len(more) > 1 else True)
        asked_s = _asked_wait(err)
        wait_s = max(retry_wait(count, random.random()), asked_s)  # noqa: S311 - no secret
        # A longer wait belongs between two attempts; within one it would count as a stall.
        patience_s = RETRY_WAIT_S if self.ydl.aside.is_active else self.ydl.patience_s
        if is_fatal and (count > retries or asked_s * count > patience_s):
            raise failure(str(err), (type(err), err, err.__traceback__)) from err
        original(self, err, count, retries, *more, **named)
        if count <= retries:
            if _is_refusal(err):
                self.ydl.connections.narrow()
            self.ydl.connections.wait(wait_s)

    return report_retry


def _leaving_out(original: _Method) -> _Method:
    """Leave out subtitles that ffmpeg cannot put into the video."""

    @wraps(original)
    def run(self: Any, media: Any) -> tuple[list[str], Any]:
        try:
            return original(self, media)
        except PostProcessingError as error:
            tracks: dict[str, Any] = media.get("requested_subtitles") or {}
            self._downloader.remarks.warning(str(error))
            self._downloader.aside.missing += tracks
            Path(prepend_extension(media["filepath"], "temp")).unlink(missing_ok=True)
            return [track["filepath"] for track in tracks.values()], media

    return run


def _is_refusal(error: Exception) -> bool:
    """Whether an error may be about the number of connections."""
    status = getattr(error, "status", None)
    return status in _REFUSALS or isinstance(error.__cause__ or error.__context__, ConnectionError)


def _asked_wait(error: Exception) -> float:
    text = retry_after_text(error) or ""
    wait = parse_retry_after(text, datetime.fromtimestamp(time.time(), UTC))
    return 0.0 if wait is None else wait.total_seconds()


def _in_turn(original: _Method) -> _Method:
    @wraps(original)
    def download_fragment(self: Any, *given: Any, **named: Any) -> Any:
        with self.ydl.connections.one():
            return original(self, *given, **named)

    return download_fragment


def _closing_before(original: _Method) -> _Method:
    """Close earlier answers, which the generic extractor leaves unread and so open.

    It never reads an answer after its next request.
    """

    @wraps(original)
    def request(self: Any, *given: Any, **named: Any) -> Any:
        self._downloader.close_answers()
        return original(self, *given, **named)

    return request


def _judging_nothing(original: _Method) -> _Method:
    """Raise CorruptError for an HTTP transfer that fails without a cause: no byte came."""

    @wraps(original)
    def real_download(self: Any, *given: Any) -> Any:
        try:
            return original(self, *given)
        except DownloadError as error:
            # A triple of None, if yt-dlp was in no exception when it gave up.
            if not any(error.exc_info or ()):
                raise CorruptError from error
            raise

    return real_download


def _caused_by(cause: type[Exception], original: _Method) -> _Method:
    """Attach our own cause to the error that an extractor raises, and may catch, as before."""

    @wraps(original)
    def refuse(self: Any, *given: Any, **named: Any) -> Any:
        try:
            return original(self, *given, **named)
        except ExtractorError as error:
            error.cause = cause()
            raise

    return refuse


def _without_mark(original: _Method) -> _Method:
    """Drop a byte order mark, which would keep yt-dlp from recognising a playlist."""

    @wraps(original)
    def request(self: Any, *given: Any, **named: Any) -> Any:
        response = original(self, *given, **named)
        if response is not False:
            response.read = _skipping_mark(response.read)
        return response

    return request


def _skipping_mark(read: _Method) -> _Method:
    is_first = True

    def read_on(*given: Any) -> bytes:
        nonlocal is_first
        chunk: bytes = read(*given)
        marked, is_first = is_first, False
        return chunk.removeprefix(BOM_UTF8) if marked else chunk

    return read_on


def _finding_out(original: _Method) -> _Method:
    """yt-dlp takes each playlist without a duration for live; this reads it once more.

    A fetch leaves it open, because its downloader has to find out anyway; unless it may record,
    when it has to choose among the formats.
    """

    @wraps(original)
    def add_manifest_info(self: Any, media: Any, *given: Any) -> None:
        original(self, media, *given)
        formats = media.get("formats") or ()
        url = next((one["url"] for one in formats if one.get("protocol") == "m3u8_native"), None)
        if url is None or media.get("live_status") != "is_live":
            return

        def read() -> Playlist:
            return parse(self._download_webpage(url, media.get("id")), url)

        ytdlp = self._downloader
        has_to_know = ytdlp.is_look or ytdlp.recording is not None
        if not has_to_know or not is_growing(read(), read, ytdlp.patience_s):
            del media["live_status"]

    return add_manifest_info


def _vod_duration(_self: Any, text: str, _video_id: str) -> float | None:
    playlist = parse(text, "")
    return playlist.duration_s or None if playlist.is_ended else None
