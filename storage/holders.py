"""Which holders of a node live: each keeps a lock that the kernel lets go of when it ends."""

import fcntl
import os
from collections.abc import Generator, Iterable
from contextlib import contextmanager, suppress
from pathlib import Path

FOLDER = ".holders"


class Holders:
    """The locks of the processes that work on one storage root. Every call blocks.

    A claim that ran out does not say whether its holder died: the database may have been away, or
    the answer to the claim. Process ids do not say it either, for other containers have others.
    """

    def __init__(self, root: Path) -> None:
        self._folder = root / FOLDER

    @contextmanager
    def entered(self, holder: str) -> Generator[None]:
        """Hold the lock of a holder, however this process ends."""
        self._folder.mkdir(mode=0o700, exist_ok=True)
        path = self._folder / holder
        descriptor = _locked(path)
        try:
            yield
        finally:
            path.unlink(missing_ok=True)
            os.close(descriptor)

    def alive(self, holders: Iterable[str]) -> list[str]:
        """Return which of these live; one that has never been here does not."""
        return [holder for holder in holders if _is_held(self._folder / holder)]

    def forget(self) -> None:
        """Remove what the dead have left."""
        with suppress(FileNotFoundError):
            for path in self._folder.iterdir():
                if not _is_held(path):
                    path.unlink(missing_ok=True)


def _locked(path: Path) -> int:
    while True:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        # Another may have taken it for a dead one's and removed it before it was locked.
        with suppress(FileNotFoundError):
            if os.path.samestat(os.fstat(descriptor), path.stat()):
                return descriptor
        os.close(descriptor)


def _is_held(path: Path) -> bool:
    try:
        descriptor = os.open(path, os.O_RDWR)
    except (FileNotFoundError, IsADirectoryError):
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False
