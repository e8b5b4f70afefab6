"""The sweep: what makes "nothing accepted is lost" true when messages, workers or nodes die."""

import asyncio
from collections.abc import Sequence

from actors import proxies
from actors.context import Context
from actors.disks import disk_of
from actors.expire import expire, remove
from actors.settlement import tell
from domain.download import Download
from domain.states import Status
from runtime import logs
from storage import manifests
from storage.counters import Counter, Recovery

_log = logs.get("actors.sweep")


async def sweep(context: Context) -> None:
    """Take back what the dead held and wake what was forgotten; harmless when two run."""
    due = context.services.due
    await _take_back(context)
    for download in await due.end_cancel_wishes():
        await tell(context, download, download.status, download.stage)
    while unheard := await due.unheard():
        for history_id, stage in unheard:
            context.wakeups.send(stage, history_id, node=context.node)
    await due.free_twins(context.services.turns)
    await context.give_turns()
    await _clear_orphans(context)
    await _release_leases(context)
    await remove(context)
    await _make_room(context)
    await context.services.counters.fold()
    await context.services.ends.fold()
    await context.services.quotas.fold()


async def _take_back(context: Context) -> None:
    """Free what the dead held, and wake what is not to be tried alone."""
    services = context.services
    complete = await complete_of(context, await services.due.ran_out())
    lapsed = await services.due.lapsed_holders()
    alive = await asyncio.to_thread(services.holders.alive, lapsed)
    # In batches, so that ten thousand stuck rows are neither one lock nor many sweeps.
    while taken := await services.due.take_back(keep=complete, alive=alive):
        await tell_taken_back(context, taken)
    await asyncio.to_thread(services.holders.forget)


async def tell_taken_back(context: Context, taken: Sequence[Download]) -> None:
    """Announce downloads whose holder is gone, and wake those that no turn would start."""
    for download in taken:
        _log.warning(
            "download_taken_back", history_id=download.history_id, crashes=download.crashes
        )
        if download.status is Status.RUNNING and not download.crashes:
            context.wakeups.send(download.stage, download.history_id, node=context.node)
        await tell(context, download, download.status, download.stage)


async def complete_of(context: Context, fetches: Sequence[tuple[int, int]]) -> list[int]:
    """Return which of these (history_id, attempt) have brought everything.

    The manifest proves that all is there, so the repeated stage finds it and fetches nothing.
    """
    files = context.services.files
    complete: list[int] = []
    for history_id, attempt in fetches:
        staging = files.staging(history_id, attempt)
        if await asyncio.to_thread(manifests.read, staging) is not None:
            complete.append(history_id)
    if complete:
        await _count(context, Recovery.COMPLETE, len(complete))
    return complete


async def _clear_orphans(context: Context) -> None:
    """Remove staging folders of attempts that no longer run on this node."""
    files = context.services.files
    for history_id, attempt in await asyncio.to_thread(files.staged):
        if await context.services.due.running_attempt(history_id) != attempt:
            _log.info("orphaned_staging_removed", history_id=history_id, attempt=attempt)
            await asyncio.to_thread(files.clear_staging, history_id, attempt)
            await _count(context, Recovery.STAGING)


async def _release_leases(context: Context) -> None:
    """Release the proxies of downloads that no longer run."""
    held = await context.services.leases.held()
    for history_id in held - await context.services.due.running(sorted(held)):
        _log.info("orphaned_lease_released", history_id=history_id)
        await proxies.give_back(context, history_id)
        await _count(context, Recovery.LEASE)


async def _make_room(context: Context) -> None:
    """Delete what has expired before its hour when the disk is nearly full."""
    if (await disk_of(context.services)).is_full:
        await expire(context)


async def _count(context: Context, kind: Recovery, number: int = 1) -> None:
    """Count what was put right outside of the rows; those that move count themselves."""
    await context.services.counters.add(Counter.SWEEP_RECOVERED, kind, number=number)
