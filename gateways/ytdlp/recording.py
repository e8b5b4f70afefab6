"""A recording of a live stream: which segments belong to it, and when it ends."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from enum import StrEnum
from typing import Any
from urllib.parse import urljoin

from domain.failures import NotRecordableError
from domain.requests import Quality
from domain.warnings import DownloadWarning, WarningCode
from gateways.ytdlp.playlists import Playlist, Segment, span
from gateways.ytdlp.protocol import Start

_BYTES_SHARE = 0.9
"""Of the largest file: ffmpeg rewrites what is recorded, and may need a little more for it."""

_TIME_SHARE = 0.9
"""Of the longest attempt."""

_SLICE_S = 0.25
"""How soon a wait notices that the recording should end."""

_HLS = ("m3u8", "m3u8_native")

Read = Callable[[], Playlist | None]
"""Reads a playlist anew; None if that failed this time."""


class End(StrEnum):
    """Why a recording ended before its stream did; part of a sentence."""

    TIME_LIMIT = "time limit"
    SIZE_LIMIT = "size limit"
    SILENCE = "no new segments came"
    CHANGE = "the stream changed its format"


class Recording:
    """The recording of one fetch.

    Args:
        time_limit_s: From now until it ends.
        max_bytes: Of the file.
        patience_s: How long nothing new may come.
        is_sound: Whether only the sound is wished.
    """

    def __init__(
        self,
        *,
        time_limit_s: float,
        max_bytes: int,
        patience_s: float,
        is_sound: bool,
    ) -> None:
        self._end_at = time.monotonic() + time_limit_s
        self._max_bytes = max_bytes * _BYTES_SHARE
        self._patience_s = patience_s
        self._is_sound = is_sound
        #: Whether the site says that the stream is on air, so that nobody needs to find out.
        self.is_on_air = False
        #: Whether picture and sound come from playlists of their own.
        self.is_of_several = False
        #: Whether it has recorded.
        self.has_begun = False
        self._ended_by: End | None = None
        self._missed = 0
        self._following: int | None = None
        self._news_at = 0.0

    def prepare(self, media: Any) -> None:  # noqa: ANN401 - yt-dlp's own dictionary
        """Leave of a stream on air only the formats that can be recorded.

        To yt-dlp, which would leave a live stream to ffmpeg, it is finished from then on.

        Raises:
            NotRecordableError: There is no such format.
        """
        if not (media.get("is_live") or media.get("live_status") == "is_live"):
            return
        formats = _recordable(media.get("formats") or [media], is_sound=self._is_sound)
        if not formats:
            raise NotRecordableError
        if "formats" in media:
            media["formats"] = formats
        media.update(is_live=False, live_status="not_live")
        self.is_on_air = True

    def miss(self, count: int = 1) -> None:
        """Note segments that could not be fetched."""
        self._missed += count

    def segments(
        self, playlist: Playlist, read: Read, size_bytes: Callable[[], int]
    ) -> Iterator[Segment]:
        """Yield each segment once, in order, as the playlist comes to name it.

        Args:
            size_bytes: How much is recorded.

        Source: RFC 8216, 6.3.4.
        """
        self.has_begun = True
        self._news_at = time.monotonic()
        head = playlist.segments[0].head if playlist.segments else None
        largest = 0
        while True:
            has_changed = False
            for segment in self._fresh(playlist):
                before = size_bytes()
                # The next one, here twice for a moment, may be larger than all before.
                if self._must_end(
                    before + 3 * largest, has_new_head=head not in (None, segment.head)
                ):
                    return
                yield segment
                largest = max(largest, size_bytes() - before)
                has_changed = True
            if playlist.is_ended or self._must_end_waiting(playlist.target_s, has_changed):
                return
            playlist = read() or playlist

    def _fresh(self, playlist: Playlist) -> Iterator[Segment]:
        for segment in playlist.segments:
            if self._following is None or segment.sequence >= self._following:
                # The window may have moved past segments that nobody fetched.
                self.miss(0 if self._following is None else segment.sequence - self._following)
                self._following = segment.sequence + 1
                yield segment
                self._news_at = time.monotonic()

    def _must_end(self, size_bytes: int = 0, *, has_new_head: bool = False) -> bool:
        reasons = {
            End.TIME_LIMIT: time.monotonic() >= self._end_at,
            End.SIZE_LIMIT: size_bytes > self._max_bytes,
            End.CHANGE: has_new_head,
            End.SILENCE: time.monotonic() - self._news_at > self._patience_s,
        }
        self._ended_by = next((reason for reason, holds in reasons.items() if holds), None)
        return self._ended_by is not None

    def _must_end_waiting(self, target_s: float, has_changed: bool) -> bool:  # noqa: FBT001
        """Wait until the playlist may be read again; return whether to end instead."""
        read_at = time.monotonic() + max(_SLICE_S, target_s if has_changed else target_s / 2)
        while (left := read_at - time.monotonic()) > 0:
            if self._must_end():
                return True
            time.sleep(min(_SLICE_S, left))
        return self._must_end()

    @property
    def warnings(self) -> tuple[DownloadWarning, ...]:
        """Return what its owner must know of it."""
        said: list[DownloadWarning] = []
        if self._ended_by is not None:
            code, reason = WarningCode.RECORDING_ENDED, self._ended_by.value
            said.append(DownloadWarning(code=code, subject=reason))
        if self._missed:
            code, count = WarningCode.RECORDING_GAPS, f"{self._missed} segments"
            said.append(DownloadWarning(code=code, subject=count))
        return tuple(said)


def recording_of(start: Start) -> Recording | None:
    """Return the recording that an order allows, which begins now; None if it allows none."""
    wish, limits = start.order.wish, start.limits
    if wish.live is None:
        return None
    # What is left of it is for ffmpeg.
    longest_s = limits.time_limit.total_seconds() * _TIME_SHARE
    return Recording(
        time_limit_s=min(limits.live_limit.total_seconds(), longest_s),
        max_bytes=limits.max_bytes,
        patience_s=limits.stall_timeout.total_seconds() / 2,
        is_sound=wish.quality is Quality.AUDIO,
    )


def fragments(segments: Iterator[Segment]) -> Iterator[dict[str, Any]]:
    """Yield segments, and first the beginning (EXT-X-MAP) that they share, as yt-dlp takes them.

    Source: yt_dlp/downloader/hls.py, ``real_download``.
    """
    count, key, decryption = 0, None, {"METHOD": "NONE"}
    for segment in segments:
        if segment.key != key:
            key, decryption = segment.key, _decryption(segment)
        common = {"decrypt_info": decryption, "media_sequence": segment.sequence}
        if count == 0 and segment.head:
            count += 1
            place = span(segment.head.get("BYTERANGE"), 0)
            url = urljoin(segment.base, segment.head.get("URI", ""))
            yield {**common, "frag_index": count, "url": url, "byte_range": _range(place)}
        count += 1
        place = _range(segment.byte_range)
        yield {**common, "frag_index": count, "url": segment.url, "byte_range": place}


def _decryption(segment: Segment) -> dict[str, Any]:
    if not segment.key:
        return {"METHOD": "NONE"}
    vector = segment.key.get("IV")
    return {
        "METHOD": segment.key["METHOD"],
        "URI": urljoin(segment.base, segment.key.get("URI", "")),
        **({} if vector is None else {"IV": bytes.fromhex(vector[2:].zfill(32))}),
    }


def _range(place: tuple[int, int] | None) -> dict[str, int]:
    return {} if place is None else {"start": place[0], "end": place[1]}


def _recordable(formats: Sequence[Mapping[str, Any]], *, is_sound: bool) -> list[Any]:
    """Return the formats of HLS that are whole by themselves.

    Picture and sound in separate playlists are none: yt-dlp fetches one after the other.
    """
    hls = [one for one in formats if one.get("protocol") in _HLS]
    whole = [one for one in hls if "none" not in (one.get("vcodec"), one.get("acodec"))]
    sounds = [one for one in hls if one.get("vcodec") == "none"]
    if is_sound or len(sounds) == len(hls):
        return hls
    return whole if sounds else hls
