"""The hunt for strays: files of this node that no row names are set aside, then deleted."""

import asyncio
import itertools
from datetime import timedelta

from actors.context import Context
from runtime import logs

BATCH = 500
OLD_ENOUGH = timedelta(hours=1)
"""A file stands in its place some milliseconds before its row says so; this is far more."""

KEPT = timedelta(hours=24)

_log = logs.get("actors.strays")


async def hunt(context: Context, age: timedelta = OLD_ENOUGH) -> int:
    """Set aside every file that no row names, and return how many.

    Raises:
        RootMissingError: The disk is away, or it is another node's.
    """
    services = context.services
    await asyncio.to_thread(services.files.check_root)
    found = services.strays.older_than(age)
    count = 0
    while batch := await asyncio.to_thread(lambda: list(itertools.islice(found, BATCH))):
        ids = [history_id for history_id, _ in batch if history_id is not None]
        named = {services.files.path_of(asset) for asset in await services.due.named(ids)}
        for _, path in batch:
            if path not in named:
                _log.error(
                    "stray_set_aside",
                    file=path.name,
                    advice="no download names it; it is kept in .quarantine for a day",
                )
                await asyncio.to_thread(services.strays.quarantine, path)
                count += 1
    await asyncio.to_thread(services.strays.forget, KEPT)
    return count
