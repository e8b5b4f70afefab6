"""This node's disk as its actors look at it."""

import asyncio

from runtime.services import Services
from storage.disk import Disk, measure


async def disk_of(services: Services) -> Disk:
    """Return how full the disk of this node is.

    Raises:
        RootMissingError: It is away.
        OSError: It cannot be looked at.
    """
    return await asyncio.to_thread(_look, services)


def _look(services: Services) -> Disk:
    # What stands where a disk is not mounted is another disk.
    services.files.check_root()
    return measure(services.files, stop_ratio=services.settings.storage.stop_ratio)
