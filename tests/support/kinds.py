"""One small file of each kind of media, as its own muxer writes it."""

import struct
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Final

from tests.support.media import Ffmpeg, find_ffmpeg

_PICTURE: Final = ("-f", "lavfi", "-i", "testsrc=size=128x96:rate=25:duration=2")
_SOUND: Final = ("-f", "lavfi", "-i", "sine=frequency=440:duration=2")
_BOTH: Final = (*_PICTURE, *_SOUND)
_AVC: Final = ("-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p")
_OLD: Final = ("-c:v", "mpeg2video", "-c:a", "mp2")

RECIPES: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "mp4": (*_BOTH, *_AVC, "-f", "mp4"),
        "m4b": (*_SOUND, "-c:a", "aac", "-f", "ipod"),
        "mov": (*_BOTH, *_AVC, "-f", "mov"),
        "f4v": (*_BOTH, *_AVC, "-f", "f4v"),
        "3g2": (*_BOTH, *_AVC, "-c:a", "aac", "-f", "3g2"),
        "m2ts": (*_BOTH, *_AVC, "-f", "mpegts", "-mpegts_m2ts_mode", "1"),
        "mkv": (*_BOTH, *_AVC, "-f", "matroska"),
        "mka": (*_SOUND, "-c:a", "flac", "-f", "matroska"),
        "webm": (*_BOTH, "-c:v", "libvpx", "-c:a", "libopus", "-f", "webm"),
        "wma": (*_SOUND, "-c:a", "wmav2", "-f", "asf"),
        "asf": (*_BOTH, "-c:v", "wmv2", "-c:a", "wmav2", "-f", "asf"),
        "avi": (*_BOTH, "-c:v", "mpeg4", "-c:a", "libmp3lame", "-f", "avi"),
        "vob": (*_BOTH, *_OLD, "-f", "vob"),
        "mxf": (*_BOTH, "-c:v", "mpeg2video", "-ar", "48000", "-f", "mxf"),
        "flv": (*_BOTH, "-c:v", "flv", "-c:a", "libmp3lame", "-ar", "44100", "-f", "flv"),
        "aiff": (*_SOUND, "-f", "aiff"),
        "ac3": (*_SOUND, "-c:a", "ac3", "-f", "ac3"),
        "mp2": (*_SOUND, "-c:a", "mp2", "-f", "mp2"),
        "mp3": (*_SOUND, "-c:a", "libmp3lame", "-f", "mp3"),
        "ogg": (*_SOUND, "-c:a", "libvorbis", "-f", "ogg"),
        "opus": (*_SOUND, "-c:a", "libopus", "-f", "ogg"),
        "ogv": (*_BOTH, "-c:v", "libtheora", "-c:a", "libvorbis", "-f", "ogg"),
        "flac": (*_SOUND, "-c:a", "flac", "-f", "flac"),
        "wav": (*_SOUND, "-f", "wav"),
    }
)


def make_kind(kind: str, folder: Path) -> bytes:
    """Return a file of two seconds, made in a folder under a name that says nothing.

    Args:
        kind: A name of ``RECIPES``, or ``spx``, which no encoder here makes.
    """
    if kind == "spx":
        return _speex()
    made = folder / f"{kind}.made"
    Ffmpeg(find_ffmpeg()).make(*RECIPES[kind], made)
    return made.read_bytes()


def _speex() -> bytes:
    """Return two seconds of silence: Speex, 16 kHz, in Ogg.

    Source: RFC 3533; the Speex manual, section 8.2.
    """
    numbers = (1, 80, 16_000, 1, 4, 1, -1, 320, 0, 1, 0, 0, 0)
    head = b"Speex   " + b"1.2".ljust(20, b"\0") + struct.pack("<13i", *numbers)
    comment = struct.pack("<II", 0, 0)
    packets = [bytes([8]) + bytes(69)] * 100
    pages = [_page(head, 2, 0, 0), _page(comment, 0, 0, 1)]
    for number, packet in enumerate(packets, 1):
        kind = 4 if number == len(packets) else 0
        pages.append(_page(packet, kind, 320 * number, number + 1))
    return b"".join(pages)


def _page(packet: bytes, kind: int, granule: int, number: int) -> bytes:
    lacing = bytes([255] * (len(packet) // 255) + [len(packet) % 255])
    head = struct.pack("<4sBBqIII", b"OggS", 0, kind, granule, 1, number, 0)
    page = bytearray(head + bytes([len(lacing)]) + lacing + packet)
    page[22:26] = struct.pack("<I", _crc(page))
    return bytes(page)


def _crc(page: bytes | bytearray) -> int:
    value = 0
    for byte in page:
        value ^= byte << 24
        for _ in range(8):
            value = (value << 1) ^ (0x04C11DB7 if value & 0x8000_0000 else 0)
        value &= 0xFFFF_FFFF
    return value
