"""Rereading: an asset's bytes from the disk once more, no faster than a rate."""

import asyncio
import hashlib
import os
import time
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from storage.assets import AssetFault, AssetFaultError, KeptAsset, open_asset
from storage.files import Files

PIECE_BYTES = 1 << 20
OVERLAP_BYTES = 4 * PIECE_BYTES
"""The page cache drops its pages in groups of up to 2 MiB, and none that is asked for in part."""

SAVED_S = 0.25
"""What may be made up for; else each timer that fires late would lose its share for good."""

Result = TypeVar("Result")


class Pace:
    """A rate that is held over all that is read by it.

    Args:
        now: The time in seconds, from whatever moment.
    """

    def __init__(
        self,
        bytes_per_s: float,
        *,
        now: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._bytes_per_s = bytes_per_s
        self._now = now
        self._sleep = sleep
        self._paid_until = now()

    async def turn(self, size_bytes: int) -> None:
        """Return when so many bytes may be read."""
        if (wait_s := self._paid_until - self._now()) > 0:
            await self._sleep(wait_s)
        cost_s = size_bytes / self._bytes_per_s
        self._paid_until = max(self._paid_until, self._now() - SAVED_S) + cost_s


class Rereading:
    """One thread that opens, reads and closes, one after the other in the order asked.

    So nothing is closed while it is read, whoever is cancelled meanwhile; and a disk that hangs
    holds this thread and no other.
    """

    def __init__(self, files: Files, pace: Pace) -> None:
        self._files = files
        self._pace = pace
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="rereading")
        self.read_bytes = 0

    def close(self) -> None:
        """Let the thread end when it has done what was asked."""
        self._thread.shutdown(wait=False)

    async def compare(self, asset: KeptAsset) -> int:
        """Return the inode of an asset whose size and digest are those of its row.

        Raises:
            AssetFaultError: It is missing, or they are not.
            RootMissingError: The disk is away; nothing is known of the file.
            OSError: It could not be read; nothing is known of the file.
        """
        opened = list[int]()
        try:
            await self._do(lambda: opened.append(self._open(asset)))
            return await self._compare(opened[0], asset)
        finally:
            self._thread.submit(lambda: [os.close(descriptor) for descriptor in opened])

    def _open(self, asset: KeptAsset) -> int:
        try:
            descriptor = open_asset(self._files, asset, any_inode=True)
        except AssetFaultError:
            # The disk may have gone between the look at its marker and the look at the file.
            self._files.check_root()
            raise
        # What the page cache holds says nothing of the disk.
        os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
        return descriptor

    async def _compare(self, descriptor: int, asset: KeptAsset) -> int:
        md5, size, end = hashlib.md5(usedforsecurity=False), 0, asset.digest.size_bytes

        def read() -> int:
            piece = os.pread(descriptor, PIECE_BYTES, size)
            md5.update(piece)
            # The cache is for what is being delivered.
            begin, reached = max(0, size - OVERLAP_BYTES), size + len(piece)
            os.posix_fadvise(descriptor, begin, reached - begin, os.POSIX_FADV_DONTNEED)
            return len(piece)

        while size < end:
            await self._pace.turn(min(PIECE_BYTES, end - size))
            if not (count := await self._do(read)):
                break
            size += count
            self.read_bytes += count
        seen = await self._do(lambda: os.fstat(descriptor))
        if not size == seen.st_size == end:
            raise AssetFaultError(AssetFault.CHANGED)
        if md5.hexdigest() != asset.digest.md5:
            raise AssetFaultError(AssetFault.CORRUPT)
        return seen.st_ino

    async def _do(self, work: Callable[[], Result]) -> Result:
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)
