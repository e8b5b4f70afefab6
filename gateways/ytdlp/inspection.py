"""A look into a fetched file, from inside a child without any net."""

import av
from av.container import InputContainer
from av.error import FFmpegError

from domain.failures import CorruptError
from gateways.ytdlp.protocol import Inspected

# A playlist served as "video/mp4" would make the library open what it names. So it may read files
# alone, in formats that name no others. Source: reliability M6, M7; CVE-2026-107697.
_OPTIONS = {
    "protocol_whitelist": "file",
    "format_whitelist": ("mov,matroska,mpegts,mp3,aac,flac,ogg,wav,flv,avi,asf,mpeg,mpegvideo,amr"),
}
_STRICT = ("mov", "matroska")
"""Formats that state their length and where each packet stands; elsewhere both are guesses."""

_MEDIA = ("audio", "video")
# The length that a container states is that of the longest, subtitles too.
_TIMED = (*_MEDIA, "subtitle")
_MICROSECONDS = 1_000_000


def inspect(path: str) -> Inspected:
    """Return how long a file says it is and how long it is, having read all of it.

    Nothing is decoded: sound and picture are taken apart and thrown away.

    Raises:
        CorruptError: It holds neither sound nor picture in a format that is allowed, or a packet
            of it is damaged or missing.
    """
    try:
        with av.open(path, options=_OPTIONS, metadata_errors="replace") as container:
            is_strict = container.format.name.startswith(_STRICT)
            found_s = _length(container, is_strict=is_strict)
            stated = container.duration if is_strict else None
    except (FFmpegError, UnicodeError) as error:
        raise CorruptError from error
    stated_s = None if stated is None else max(0.0, stated / _MICROSECONDS)
    return Inspected(stated_s=stated_s, found_s=found_s)


def _length(container: InputContainer, *, is_strict: bool) -> float:
    """Return the seconds from the first packet to the end of the last."""
    begin, end, packets = float("inf"), float("-inf"), 0
    for packet in container.demux():
        moment = packet.dts if packet.pts is None else packet.pts
        if packet.stream.type not in _TIMED or packet.size == 0:
            continue
        if is_strict and packet.is_corrupt:
            raise CorruptError
        packets += packet.stream.type in _MEDIA
        if moment is not None:
            begin = min(begin, float(moment * packet.time_base))
            end = max(end, float((moment + (packet.duration or 0)) * packet.time_base))
    if packets == 0:
        raise CorruptError
    return max(0.0, end - begin) if end > begin else 0.0
