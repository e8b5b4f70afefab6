"""yt-dlp's downloader of HLS, which is given only playlists that it can join to one whole video."""

import itertools
import time
from collections.abc import Callable
from typing import Any

from yt_dlp.downloader.hls import HlsFD  # noqa: TID251 - this is made from it
from yt_dlp.networking.exceptions import HTTPError, TransportError  # noqa: TID251 - what is retried

from domain.failures import DownloadError, LiveStreamError, NotRecordableError
from gateways.ytdlp import playlists
from gateways.ytdlp.playlists import Playlist
from gateways.ytdlp.recording import fragments

RELOADS = 6
"""Readings of a playlist that says no end, after the first, before it is taken for ended."""

_SPAN = 1.5
"""Target durations within which a live playlist must have grown. Source: RFC 8216, 6.2.1."""

_CAUTION = 2
"""How much longer it may take, since a live encoder may be late."""

# Any, because its stub lacks what a downloader is given.
_Downloader: Any = HlsFD

Read = Callable[[], Playlist]


def is_growing(first: Playlist, read: Read, patience_s: float) -> bool:
    """Whether a live stream is behind a playlist: it has no end, and changes when read again.

    A finished video whose playlist lacks its last line does not change; a live one must.

    Args:
        read: Reads it anew.
        patience_s: The longest wait; what needs more is taken for live.
    """
    least_s = first.target_s * _SPAN
    if first.is_ended or not first.segments:
        return False
    if least_s == 0 or least_s > patience_s:
        return True
    # A window that has moved before is rarely a finished video: it gets all the time there is.
    has_moved = first.segments[0].sequence > 1
    wait_s = patience_s if has_moved else min(patience_s, least_s * _CAUTION)
    for _ in range(RELOADS):
        time.sleep(wait_s / RELOADS)
        again = read()
        if not again.is_as(first):
            # If it ends now, and nothing of its beginning has gone, it is whole.
            return not (again.is_ended and again.begins_as(first))
    return False


class Hls(_Downloader):
    """Reads the playlist before yt-dlp does, and hands on what is left of doubt."""

    def real_download(self, filename: str, info_dict: Any) -> Any:  # noqa: ANN401 - as the base has it
        """Fetch all segments of a playlist into one file.

        Raises:
            DrmProtectedError: They are encrypted for licensed players.
            UnsupportedSiteError: They cannot be joined.
            LiveStreamError: There will be more of them, and nobody asked for a recording.
            NotRecordableError: There will be more of them, beside those of another playlist.
        """
        url, text = self._text(info_dict)
        playlists.check(text)

        def read() -> Playlist:
            return playlists.parse(self._text(info_dict)[1], url)

        playlist = playlists.parse(text, url)
        is_subtitle = info_dict.get("ext") == "vtt"
        if not (playlist.is_ended or is_subtitle):
            if self._is_live(playlist, read):
                return self._record(filename, info_dict, playlist)
            url, text = self._text(info_dict)
        whole = {"url": url, "hls_media_playlist_data": playlists.plain(text)}
        self.ydl.plan(text, info_dict.get("format_index"))
        base: Any = super()
        return base.real_download(filename, {**info_dict, **whole})

    def _is_live(self, playlist: Playlist, read: Read) -> bool:
        recording = self.ydl.recording
        is_known = recording is not None and recording.is_on_air
        return is_known or is_growing(playlist, read, self.ydl.patience_s)

    def _record(self, filename: str, info_dict: Any, playlist: Playlist) -> Any:  # noqa: ANN401
        """Fetch segments into one file as they come, until the recording ends."""
        recording = self.ydl.recording
        if recording is None:
            raise LiveStreamError
        if recording.is_of_several:
            raise NotRecordableError
        # One at a time, in order; one that is gone is no reason to lose the others.
        own: Any = self
        own.params = own.params | {
            "concurrent_fragment_downloads": 1,
            "skip_unavailable_fragments": True,
        }
        context: dict[str, Any] = {"filename": filename, "total_frags": None, "live": True}
        self._prepare_and_start_frag_download(context, info_dict)

        def read() -> Playlist | None:
            try:
                url, text = self._read_once(info_dict)
                playlists.check(text)
            except (HTTPError, TransportError, DownloadError):
                return None
            return playlists.parse(text, url)

        segments = recording.segments(playlist, read, context["dest_stream"].tell)
        return self.download_and_append_fragments(context, fragments(segments), info_dict)

    def report_skip_fragment(self, frag_index: int, err: Any = None) -> None:  # noqa: ANN401
        """Count a segment that is left out."""
        base: Any = super()
        base.report_skip_fragment(frag_index, err)
        if self.ydl.recording is not None:
            self.ydl.recording.miss()

    def decrypter(self, info_dict: Any) -> Any:  # noqa: ANN401 - as the base has it
        """Return what decrypts a segment; its key is fetched as carefully as the segment."""
        base: Any = super()
        decrypt = base.decrypter(info_dict)

        def decrypt_with_care(fragment: Any, content: Any) -> Any:  # noqa: ANN401
            key: Any = fragment.get("decrypt_info") or {}
            if key.get("METHOD") != "AES-128" or key.get("KEY"):
                return decrypt(fragment, content)
            return self._retried(lambda: decrypt(fragment, content))

        return decrypt_with_care

    def _retried(self, request: Callable[[], Any]) -> Any:  # noqa: ANN401
        """Return what a request brings, on one connection, tried again as a segment is."""
        retries = int(self.params.get("fragment_retries") or 0)
        for count in itertools.count(1):
            try:
                with self.ydl.connections.one():
                    return request()
            except (HTTPError, TransportError) as error:
                self.report_retry(error, count, retries)
        raise AssertionError

    def _text(self, info_dict: Any) -> tuple[str, str]:  # noqa: ANN401 - yt-dlp's own dictionary
        """Return where the playlist is after all redirects, and what it says."""
        url: str = info_dict["url"]
        text: str | None = info_dict.get("hls_media_playlist_data")
        if text:
            return url, text

        return self._retried(lambda: self._read_once(info_dict))

    def _read_once(self, info_dict: Any) -> tuple[str, str]:  # noqa: ANN401
        with self.ydl.urlopen(self._prepare_url(info_dict, info_dict["url"])) as response:
            body: bytes = response.read()
            return str(response.url), body.decode("utf-8", "ignore")
