"""The clean-up: files past their time, and files whose owner deleted the record.

The file goes first and the row says so when it is gone, so a death in between leaves a row that
the next run takes up. If the disk is away nothing is marked.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Protocol

from actors.context import Context
from domain.events import StateEvent
from runtime import logs
from storage.counters import Counter
from storage.due import AssetIds
from storage.files import Files, RootMissingError

BATCH = 500

_log = logs.get("actors.expire")


class _Found(Protocol):
    async def __call__(self, limit: int, *, after: int) -> list[AssetIds]: ...


async def expire(context: Context) -> int:
    """Delete every expired file of this node, batch by batch; return how many.

    That is noted as the node's last success if none was left behind.
    """
    due, deleted, left = context.services.due, 0, 0
    async for gone, failed in _deleted(context, due.expired):
        moved = await due.set_expired(gone)
        for download in moved:
            await context.services.feed.publish(
                StateEvent(
                    history_id=download.history_id,
                    user_id=download.user_id,
                    status=download.status,
                    stage=download.stage,
                    attempt=download.attempt,
                )
            )
        deleted += len(moved)
        left += failed
    if deleted:
        _log.info("expired_files_deleted", count=deleted)
    if not left:
        await context.services.nodes.note_cleaned(context.node)
    return deleted


async def remove(context: Context) -> None:
    """Delete the files of this node whose owners deleted the records."""
    due = context.services.due
    async for gone, _ in _deleted(context, due.to_remove):
        await due.set_removed(gone)


async def _deleted(context: Context, found: _Found) -> AsyncIterator[tuple[Sequence[int], int]]:
    """Delete what is found; yield of each batch the ids whose files are gone, and how many failed.

    Each id is looked at once, so that a file which cannot be deleted never stands in the way.
    """
    after = 0
    while batch := await found(BATCH, after=after):
        gone = await asyncio.to_thread(_delete_all, context.services.files, batch)
        failed = len(batch) - len(gone)
        if failed:
            await context.services.counters.add(
                Counter.CLEANUP_FAILURES, context.node, number=failed
            )
        yield gone, failed
        after = batch[-1].history_id


def _delete_all(files: Files, assets: Sequence[AssetIds]) -> list[int]:
    """Delete files by the paths computed from their ids; return the ids of those gone."""
    return [asset.history_id for asset in assets if _delete(files, asset)]


def _delete(files: Files, asset: AssetIds) -> bool:
    try:
        files.delete(files.path_of(asset))
    except (OSError, RootMissingError) as error:
        _log.error(
            "expired_file_not_deleted",
            history_id=asset.history_id,
            error=str(error),
            advice="check the disk of this node; the next run tries again",
        )
        return False
    return True
