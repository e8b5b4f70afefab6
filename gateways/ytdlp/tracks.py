"""The tracks of a file that was fetched, as a child finds them before it wraps them."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import cast

import av
from av.audio.stream import AudioStream
from av.codec import CodecContext
from av.container import InputContainer
from av.error import FFmpegError
from av.stream import Disposition
from av.video.stream import VideoStream

from domain.failures import CorruptError
from gateways.ytdlp.inspection import AV_OPTIONS, is_cover

_UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sound:
    """One track of sound.

    Attributes:
        index: Among all tracks of the file.
        codec: FFmpeg's name for it, such as ``aac``.
        kbps: None if the file does not say.
        bits: Of a sample, as far as they are kept exactly; 0 for a codec with loss.
    """

    index: int
    codec: str
    kbps: int | None = None
    channels: int = 2
    bits: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Tracks:
    """The tracks of a file.

    Attributes:
        kind: FFmpeg's name for the container, such as ``mov,mp4,m4a,3gp,3g2,mj2``.
        pictures: The codec of each moving picture; a cover is none.
        sounds: The one that a player would take comes first.
    """

    kind: str
    pictures: tuple[str, ...]
    sounds: tuple[Sound, ...]


def tracks_of(path: str) -> Tracks:
    """Return the tracks of a file.

    Raises:
        CorruptError: It is no media in a format that is allowed.
    """
    try:
        with av.open(path, options=AV_OPTIONS, metadata_errors="replace") as container:
            return Tracks(
                kind=container.format.name,
                pictures=tuple(_pictures(container)),
                sounds=tuple(_sounds(container)),
            )
    except (FFmpegError, UnicodeError) as error:
        raise CorruptError from error


def _pictures(container: InputContainer) -> Iterator[str]:
    for stream in container.streams.video:
        if not is_cover(stream):
            yield _codec(stream)


def _sounds(container: InputContainer) -> Iterator[Sound]:
    # As players do: the default one, else the first.
    is_default = Disposition.default
    streams = sorted(container.streams.audio, key=lambda one: not one.disposition & is_default)
    for stream in streams:
        codec = _codec(stream)
        if codec == _UNKNOWN:
            yield Sound(index=stream.index, codec=codec)
            continue
        rate = stream.bit_rate or (container.bit_rate if len(container.streams) == 1 else None)
        is_exact = codec in ("flac", "alac", "wavpack", "tta") or codec.startswith("pcm_")
        yield Sound(
            index=stream.index,
            codec=codec,
            kbps=rate and rate // 1000,
            channels=stream.channels,
            bits=stream.format.bits if is_exact else 0,
        )


def _codec(stream: AudioStream | VideoStream) -> str:
    # Against its stubs, the library has None for what it has no decoder of.
    context = cast("CodecContext | None", stream.codec_context)
    return _UNKNOWN if context is None else context.codec.canonical_name
