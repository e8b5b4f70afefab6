"""A look into a fetched file, from inside a child without any net."""

from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path

import av
from av.container import InputContainer
from av.error import FFmpegError
from av.packet import Packet
from av.stream import Disposition, Stream

from domain.failures import CorruptError
from gateways.ytdlp.kinds import DEMUXERS, Contents, extension_of
from gateways.ytdlp.protocol import Inspected
from gateways.ytdlp.truncation import is_truncated

AV_OPTIONS = {"protocol_whitelist": "file", "format_whitelist": ",".join(DEMUXERS)}
_STRICT = ("mov", "matroska")
"""Formats that state their length and where each packet stands; elsewhere both are guesses."""

_MEDIA = ("audio", "video")
# The length that a container states is that of the longest, subtitles too.
_TIMED = (*_MEDIA, "subtitle")
_MICROSECONDS = 1_000_000
_EBML_BYTES = 64


def inspect(path: Path) -> Inspected:
    """Return what a file is and how long it says it is and really is, having read all of it.

    Nothing is decoded: sound and picture are taken apart and thrown away.

    Raises:
        CorruptError: It holds neither sound nor picture, or a packet of it is damaged or missing.
    """
    try:
        opened = av.open(str(path), options=AV_OPTIONS, metadata_errors="replace")
    except (FFmpegError, UnicodeError):
        return Inspected(extension=None)
    try:
        with opened as container:
            return _inspected(path, container)
    except (FFmpegError, UnicodeError) as error:
        raise CorruptError from error


def _inspected(path: Path, container: InputContainer) -> Inspected:
    demuxer = container.format.name
    is_strict = demuxer.startswith(_STRICT)
    extension = extension_of(_contents(path, container), path.suffix.removeprefix("."))
    truncated = is_truncated(path, demuxer)
    if truncated:
        return Inspected(extension=extension, is_closed=False)
    length = _length(container, is_strict=is_strict)
    stated = container.duration if is_strict else None
    return Inspected(
        extension=extension,
        stated_s=None if stated is None else max(0.0, stated / _MICROSECONDS),
        found_s=max(length.spanned_s, length.played_s),
        played_s=length.played_s,
        is_closed=None if truncated is None else True,
    )


def _contents(path: Path, container: InputContainer) -> Contents:
    demuxer = container.format.name
    brand = container.metadata.get("major_brand", "").strip()
    if demuxer.startswith("matroska"):
        with path.open("rb") as file:
            brand = "webm" if b"webm" in file.read(_EBML_BYTES) else "matroska"
    return Contents(
        demuxer=demuxer,
        brand=brand,
        video=next((_codec(one) for one in container.streams.video if not is_cover(one)), None),
        audio=next(map(_codec, container.streams.audio), None),
    )


def is_cover(stream: Stream) -> bool:
    """Return whether a stream of pictures is a cover, not a video."""
    return bool(stream.disposition & Disposition.attached_pic)


def _codec(stream: Stream) -> str:
    # A codec that libav does not know has no context.
    context = getattr(stream, "codec_context", None)
    return "" if context is None else context.name


@dataclass(slots=True)
class _Length:
    """How long the packets of a file are, in seconds.

    Attributes:
        played: For each stream, what its packets last together.
    """

    begin: float = float("inf")
    end: float = float("-inf")
    packets: int = 0
    played: dict[int, float] = field(default_factory=lambda: defaultdict[int, float](float))

    @property
    def spanned_s(self) -> float:
        """Return the seconds from the first packet to the end of the last."""
        return max(0.0, self.end - self.begin) if self.end > self.begin else 0.0

    @property
    def played_s(self) -> float:
        """Return what the packets of one stream last, of that which lasts longest.

        Where the same part is in a file twice, it is more than from the first to the last.
        """
        return max(self.played.values(), default=0.0)

    def add(self, packet: "Packet[Stream]") -> None:
        """Count one packet."""
        lasts = float((packet.duration or 0) * packet.time_base)
        if packet.stream.type in _MEDIA and not is_cover(packet.stream):
            self.packets += 1
            self.played[packet.stream.index] += max(0.0, lasts)
        moment = packet.dts if packet.pts is None else packet.pts
        if moment is not None:
            self.begin = min(self.begin, float(moment * packet.time_base))
            self.end = max(self.end, float(moment * packet.time_base) + lasts)


def _length(container: InputContainer, *, is_strict: bool) -> _Length:
    length = _Length()
    for packet in container.demux():
        if packet.stream.type not in _TIMED or packet.size == 0:
            continue
        if is_strict and packet.is_corrupt:
            raise CorruptError
        length.add(packet)
    if length.packets == 0:
        raise CorruptError
    return length
