"""The part file: what has arrived of a file, and the MD5 of it so far."""

import fcntl
import hashlib
import os
from collections.abc import Generator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import BinaryIO

md5 = partial(hashlib.md5, usedforsecurity=False)
"""Here a checksum and no protection."""

_PIECE_BYTES = 1 << 20


class Part:
    """An open part file, held by this process alone."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._digest = md5()
        self.size_bytes = 0

    def take_up(self, most_bytes: int) -> None:
        """Read what an earlier try has left; more than the whole is none of it."""
        if os.fstat(self._stream.fileno()).st_size > most_bytes:
            self.restart()
        while piece := self._stream.read(_PIECE_BYTES):
            self._digest.update(piece)
        self.size_bytes = self._stream.tell()

    def restart(self) -> None:
        """Throw away what is there."""
        self._stream.seek(0)
        self._stream.truncate()
        self.size_bytes, self._digest = 0, md5()

    def add(self, piece: bytes) -> None:
        """Write what came next."""
        self._stream.write(piece)
        self._digest.update(piece)
        self.size_bytes += len(piece)

    def digest(self) -> str:
        """Return the MD5 of what is there, in hex, once the disk has it."""
        os.fsync(self._stream.fileno())
        return self._digest.hexdigest()


@contextmanager
def opened(path: Path, whole_bytes: int) -> Generator[Part]:
    """Yield a part file with what an earlier try has left in it.

    Raises:
        BlockingIOError: Another process is saving into it.
        OSError: It cannot be opened; a link is not followed.
    """
    with _opened_alone(path) as stream:
        part = Part(stream)
        part.take_up(whole_bytes)
        yield part


def _opened_alone(path: Path) -> BinaryIO:
    while True:
        flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
        stream = open(os.open(path, flags, 0o666), "r+b", buffering=0)  # noqa: PTH123, SIM115 - a descriptor
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
            # Who had it before may have finished it: then these are the bytes of a saved file.
            if os.path.lexists(path) and path.stat().st_ino == os.fstat(stream.fileno()).st_ino:
                return stream
        except OSError:
            stream.close()
            raise
        stream.close()
