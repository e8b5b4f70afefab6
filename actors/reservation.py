"""The reservation of a fetch: room on this node's disk, as large as its file turns out to be."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress

from actors.context import Context
from domain.download import Download, Progress
from domain.failures import DiskFullError, DownloadError, TooLargeError
from runtime import logs
from storage.db import DatabaseError
from storage.room import Fit

BEYOND_DISKS = "The video is larger than the disks of this server."
MARGIN = 8
"""An eighth more is reserved than is known: estimates grow, and not each growth is written."""

_log = logs.get("actors.reservation")


@asynccontextmanager
async def reserving(context: Context, download: Download) -> AsyncGenerator["Reservation"]:
    """Yield the reservation of a fetch; at the end nothing of it is under way any more."""
    reservation = Reservation(context, download)
    try:
        yield reservation
    finally:
        await reservation.close()


class Reservation:
    """Follows what a child tells of its size; raised before the disk is used, and lowered."""

    def __init__(self, context: Context, download: Download) -> None:
        self._context = context
        self._download = download
        self._reserved = download.expected_bytes
        self._asking: asyncio.Task[DownloadError | None] | None = None

    def hear(self, progress: Progress) -> None:
        """Take a progress; returns at once.

        Raises:
            DiskFullError: There is no room here for what is to come.
            TooLargeError: Nor could there be on any node.
        """
        if self._asking is not None:
            if not self._asking.done():
                return
            refusal = self._asking.result()
            self._asking = None
            if refusal is not None:
                raise refusal
        size = max(progress.total_bytes or 0, progress.downloaded_bytes)
        if self._is_wrong(size, is_whole=progress.total_bytes is not None):
            self._reserved = size + size // MARGIN
            self._asking = asyncio.create_task(self._ask(self._reserved))

    async def close(self) -> None:
        """Wait for what is being written; it is short."""
        if self._asking is not None:
            await asyncio.wait([self._asking])

    def _is_wrong(self, size: int, *, is_whole: bool) -> bool:
        """Whether a size is beyond what is reserved, or half of it; a part of it says nothing."""
        return size > self._reserved or (is_whole and size < self._reserved // 2)

    async def _ask(self, size_bytes: int) -> DownloadError | None:
        fit = None
        with suppress(DatabaseError):
            # While the database is away the look at the disk itself is what holds.
            fit = await self._context.services.room.expect(self._download, size_bytes)
        if fit is Fit.FULL:
            _log.warning("no_room", size_bytes=size_bytes, advice="free space or add a node")
            return DiskFullError()
        return TooLargeError(BEYOND_DISKS) if fit is Fit.HOPELESS else None
