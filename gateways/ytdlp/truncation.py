"""Whether the end of a file is there, by the sizes that its container states."""

import os
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

_MAX_BOXES = 200_000
_SIDX_BYTES = 1 << 20
_BOX = struct.Struct(">I4s")
_LARGE = struct.Struct(">Q")
_NEEDED = (b"mdat", b"moov", b"moof")
_EBML = b"\x1a\x45\xdf\xa3"
_SEGMENT = b"\x18\x53\x80\x67"
_EBML_BYTES = 4096


def is_truncated(path: Path, demuxer: str) -> bool | None:
    """Return whether a file ends before the end that its container states; None if it states none.

    Args:
        demuxer: libav's name for the format; all but MP4 and Matroska state none.
    """
    with path.open("rb") as file:
        size_bytes = os.fstat(file.fileno()).st_size
        if demuxer.startswith("mov"):
            return _is_mp4_truncated(file, size_bytes)
        if demuxer.startswith("matroska"):
            return _is_matroska_truncated(file.read(_EBML_BYTES), size_bytes)
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Box:
    kind: bytes
    begin: int
    body: int
    end: int


def _is_mp4_truncated(file: BinaryIO, size_bytes: int) -> bool | None:
    """Walk over the boxes of a whole file, which follow each other to its very end.

    A file in fragments may end after any of them, so only an index of them proves its end.

    Source: ISO/IEC 14496-12, 4.2 and 8.16.3.
    """
    is_fragmented, is_open, indexed_to = False, False, 0
    for box in _boxes(file, size_bytes):
        if box.end > size_bytes:
            # What only pads may end anywhere.
            return True if box.kind in _NEEDED else None
        is_open = box.end < 0
        is_fragmented = is_fragmented or box.kind == b"moof"
        if box.kind == b"sidx":
            file.seek(box.body)
            indexed_to = max(indexed_to, _indexed_to(file.read(_SIDX_BYTES), box.end))
    if indexed_to > size_bytes:
        return True
    return None if is_open or (is_fragmented and not indexed_to) else False


def _boxes(file: BinaryIO, size_bytes: int) -> Iterator[_Box]:
    """Yield the boxes of the top level; one without an end has the end -1 and is the last."""
    begin = 0
    for _ in range(_MAX_BOXES):
        file.seek(begin)
        head = file.read(_BOX.size + _LARGE.size)
        if begin >= size_bytes or len(head) < _BOX.size:
            return
        length, kind = _BOX.unpack_from(head)
        body = begin + _BOX.size
        if length == 1 and len(head) == _BOX.size + _LARGE.size:
            (length,) = _LARGE.unpack_from(head, _BOX.size)
            body += _LARGE.size
        if length == 0:
            yield _Box(kind=kind, begin=begin, body=body, end=-1)
            return
        if length < body - begin:
            return  # Padding, or something that players pass over.
        yield _Box(kind=kind, begin=begin, body=body, end=begin + length)
        begin += length


def _indexed_to(body: bytes, anchor: int) -> int:
    """Return where the last fragment ends that an index names; 0 if the index is not whole."""
    is_long = body[:1] != b"\0"
    try:
        (first,) = struct.unpack_from(">Q" if is_long else ">I", body, 20 if is_long else 16)
        at = 28 if is_long else 20
        (count,) = struct.unpack_from(">H", body, at + 2)
        sizes = (
            struct.unpack_from(">I", body, at + 4 + 12 * one)[0] & 0x7FFF_FFFF
            for one in range(count)
        )
        return anchor + first + sum(sizes)
    except struct.error:
        return 0


def _is_matroska_truncated(head: bytes, size_bytes: int) -> bool | None:
    """Compare the size of the segment, which holds everything, with that of the file.

    Source: RFC 8794, 4.4; RFC 9559, 4.5.
    """
    at = head.find(_SEGMENT) if head.startswith(_EBML) else -1
    if at < 0 or at + 5 > len(head):
        return None
    first = head[at + 4]
    width = 9 - first.bit_length()
    field = int.from_bytes(head[at + 4 : at + 4 + width]) & ((1 << 7 * width) - 1)
    if not 1 <= width <= 8 or field == (1 << 7 * width) - 1:  # noqa: PLR2004 - bytes of a size
        return None
    return at + 4 + width + field > size_bytes
