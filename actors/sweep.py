"""The sweep: what makes "nothing accepted is lost" true when messages, workers or nodes die."""

import asyncio

from actors.context import Context
from actors.settlement import tell
from runtime import logs

_log = logs.get("actors.sweep")


async def sweep(context: Context) -> None:
    """Take back what the dead held and wake what was forgotten; harmless when two run."""
    due = context.services.due
    taken = await due.take_back()
    for download in taken:
        _log.warning("download_taken_back", history_id=download.history_id)
        await tell(context, download, download.status, download.stage)
    for download in await due.end_cancel_wishes():
        await tell(context, download, download.status, download.stage)
    for history_id, stage in await due.unheard():
        context.wakeups.send(stage, history_id, node=context.node)
    await context.give_turns()
    await _clear_orphans(context)


async def _clear_orphans(context: Context) -> None:
    """Remove staging folders of attempts that no longer run on this node."""
    files = context.services.files
    for history_id, attempt in await asyncio.to_thread(files.staged):
        if await context.services.due.running_attempt(history_id) != attempt:
            _log.info("orphaned_staging_removed", history_id=history_id, attempt=attempt)
            await asyncio.to_thread(files.clear_staging, history_id, attempt)
