"""The job expire: delete quick downloads past their time, then say so in the row."""

import asyncio

from actors.context import Context
from domain.events import StateEvent
from domain.states import Mode
from runtime import logs
from storage.due import ExpiredAsset
from storage.files import RootMissingError

BATCH = 500

_log = logs.get("actors.expire")


async def expire(context: Context) -> int:
    """Delete every expired file of this node, batch by batch; return how many.

    The file goes first and ``expired`` is written only when it is gone, so a death in between
    leaves a row that the next run takes up. If the disk is away nothing is marked.
    """
    deleted = 0
    while batch := await context.services.due.expired(BATCH):
        gone = [asset for asset in batch if await asyncio.to_thread(_delete, context, asset)]
        moved = await context.services.due.set_expired([asset.history_id for asset in gone])
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
        if len(moved) < len(batch):
            break
    if deleted:
        _log.info("expired_files_deleted", count=deleted)
    return deleted


def _delete(context: Context, asset: ExpiredAsset) -> bool:
    """Delete one file by the path computed from its ids; return whether it is gone."""
    files = context.services.files
    path = files.path(
        asset.history_id, asset.user_id, Mode.QUICK, asset.asset_uuid, asset.created_at
    )
    try:
        files.delete(path)
    except (OSError, RootMissingError) as error:
        _log.error(
            "expired_file_not_deleted",
            history_id=asset.history_id,
            error=str(error),
            advice="check the disk of this node; the next run tries again",
        )
        return False
    return True
