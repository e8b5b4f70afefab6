"""Bytes that the site serves: read by range, so that a huge one costs no memory."""

import hashlib
import random
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

_CHUNK_BYTES: Final = 256 * 1024
# The long form of an MP4 box header, good for any size. Source: ISO/IEC 14496-12, 4.2.
_BOX_HEADER: Final = struct.Struct(">I4sQ")
_NUMBER: Final = struct.Struct(">Q")


class Content(Protocol):
    """A sequence of bytes of known size."""

    @property
    def size_bytes(self) -> int:
        """How many bytes there are."""
        ...

    def read(self, start: int, stop: int) -> bytes:
        """Return the bytes from ``start`` up to ``stop``, both within the size."""
        ...


@dataclass(frozen=True, slots=True)
class Blob:
    """Content that is held in memory."""

    body: bytes

    @property
    def size_bytes(self) -> int:
        return len(self.body)

    def read(self, start: int, stop: int) -> bytes:
        return self.body[start:stop]


@dataclass(frozen=True, slots=True)
class File:
    """Content that is a file."""

    path: Path

    @property
    def size_bytes(self) -> int:
        return self.path.stat().st_size

    def read(self, start: int, stop: int) -> bytes:
        with self.path.open("rb") as file:
            file.seek(start)
            return file.read(stop - start)


class PaddedClip:
    """A playable MP4 of any size, its end a ``free`` box of noise that differs by number.

    Args:
        clip: The MP4 to pad.
        size_bytes: The whole size; None means as small as can be.

    Raises:
        ValueError: The clip and the number do not fit into the size.
    """

    def __init__(self, clip: bytes, number: int, size_bytes: int | None = None) -> None:
        smallest = len(clip) + _BOX_HEADER.size + _NUMBER.size
        self._size = smallest if size_bytes is None else size_bytes
        if self._size < smallest:
            message = f"a padded clip has {smallest} bytes or more, not {self._size}"
            raise ValueError(message)
        box = _BOX_HEADER.pack(1, b"free", self._size - len(clip))
        self._head = clip + box + _NUMBER.pack(number)
        self._noise = random.Random(number).randbytes(min(64 * 1024, self._size))  # noqa: S311 - not for secrets

    @property
    def size_bytes(self) -> int:
        return self._size

    def read(self, start: int, stop: int) -> bytes:
        head = self._head[start:stop]
        begin = max(start, len(self._head)) - len(self._head)
        count = stop - start - len(head)
        offset = begin % len(self._noise)
        repeats = (offset + count) // len(self._noise) + 1
        return head + (self._noise * repeats)[offset : offset + count]


def pieces(content: Content, start: int = 0, stop: int | None = None) -> Iterator[bytes]:
    """Yield the bytes from ``start`` up to ``stop`` (None: to the end), 256 KiB at a time."""
    end = content.size_bytes if stop is None else stop
    for begin in range(start, end, _CHUNK_BYTES):
        yield content.read(begin, min(begin + _CHUNK_BYTES, end))


def md5(content: Content) -> str:
    """Return the MD5 of the whole in hexadecimal."""
    digest = hashlib.md5(usedforsecurity=False)
    for piece in pieces(content):
        digest.update(piece)
    return digest.hexdigest()


def write(content: Content, path: Path) -> Path:
    """Write the whole into a file and return its path."""
    with path.open("wb") as file:
        file.writelines(pieces(content))
    return path
