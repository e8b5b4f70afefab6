"""One stage of one download: claim, work under a renewed claim, settle, pass on.

The only place that claims and settles; the works themselves know nothing of it.
"""

import asyncio
import os
from collections.abc import Awaitable, Callable
from typing import Any

import structlog

from actors.context import Context
from actors.disks import disk_of
from actors.settlement import (
    Interruption,
    settle_error,
    settle_interruption,
    settle_success,
)
from domain.download import Digest, Download, FetchedMedia, ProxyLease
from domain.failures import DownloadError, UnexpectedError
from domain.states import Stage
from runtime import logs
from storage.db import DatabaseError
from storage.downloads import CLAIM
from storage.files import RootMissingError

Outcome = ProxyLease | FetchedMedia | Digest | None
Work = Callable[[Context, Download], Awaitable[Outcome]]

RENEW_EVERY = CLAIM / 4

COULD_NOT_BEGIN = os.EX_TEMPFAIL
"""The exit status of a trial that could not begin its download."""

_log = logs.get("actors.stage")


class TwinGoneError(Exception):
    """The file that a work was to link is not to be had; its download is queued again."""


class ClaimLostError(Exception):
    """A work found its row changed under it; somebody else holds it, or its owner cancelled."""


async def run(context: Context, stage: Stage, work: Work, history_id: int) -> None:
    """Do a due stage if it is to be had; a repeated or late wake-up does nothing."""
    services = context.services
    if stage is Stage.ACQUIRE_PROXY:
        if context.stopping.is_set():
            # Sent only when we take no more messages, or what we let go of would come back to us.
            context.wakeups.hold(stage, history_id)
            return
        if not await may_begin(context):
            return
    try:
        claim = await services.downloads.claim(
            history_id,
            stage,
            holder=context.holder,
            turns=services.turns,
            on_trial=context.on_trial,
        )
    except DatabaseError as error:
        _log_away(history_id, error)
        return
    if claim is not None:
        await run_claimed(context, claim, work)


async def run_claimed(context: Context, claim: Download, work: Work) -> None:
    """Do a stage that this holder has claimed, and settle it."""
    try:
        with structlog.contextvars.bound_contextvars(
            history_id=claim.history_id, stage=claim.stage.value, attempt=claim.attempt
        ):
            result = await _work_while_held(context, claim, work)
            await _settle(context, claim, result)
    except DatabaseError as error:
        # Nothing is settled, so the claim runs out and the sweep takes the row up again.
        _log_away(claim.history_id, error)


def _log_away(history_id: int, error: DatabaseError) -> None:
    _log.error(
        "database_away",
        history_id=history_id,
        error=str(error),
        advice="the download goes on when the database is back",
    )


async def may_begin(context: Context) -> bool:
    """Return whether this node's disk is there and not full; otherwise the row waits.

    For how much there is room decides the claim, by what the last heartbeat told.
    """
    try:
        disk = await disk_of(context.services)
    except RootMissingError as error:
        _log.error(
            "root_missing", error=str(error), advice="mount it; this node takes nothing till then"
        )
        return False
    if disk.is_full:
        _log.error("disk_full", free_bytes=disk.free_bytes, advice="free space or add a node")
    return not disk.is_full


async def _settle(
    context: Context, claim: Download, result: Outcome | DownloadError | Interruption
) -> None:
    match result:
        case Interruption():
            _log.info("stage_interrupted", reason=result.name.lower())
            await settle_interruption(context, claim, result)
        case DownloadError():
            await settle_error(context, claim, result)
        case _:
            await settle_success(context, claim, result)


async def _work_while_held(
    context: Context, claim: Download, work: Work
) -> Outcome | DownloadError | Interruption:
    """Run a work until it ends or its claim is lost, cancelled or let go."""
    task = asyncio.ensure_future(work(context, claim))
    watch = asyncio.create_task(_watch(context, claim))
    try:
        await asyncio.wait({task, watch}, return_when=asyncio.FIRST_COMPLETED)
        if not task.done():
            return watch.result()
        return task.result()
    except DownloadError as error:
        return error
    except ClaimLostError:
        wished = await context.services.downloads.renew(claim)
        return Interruption.CANCELLED if wished else Interruption.CLAIM_LOST
    except TwinGoneError:
        return Interruption.TWIN_GONE
    except DatabaseError:
        raise
    except Exception as error:  # noqa: BLE001 - whatever a work met, its row must be settled
        _log.exception("stage_failed_unexpectedly", error=type(error).__name__)
        return UnexpectedError()
    finally:
        await _end(task)
        await _end(watch)


async def _end(task: asyncio.Future[Any]) -> None:
    """Cancel a task until it has ended; what it still raises is of no more interest.

    More than once, because Python 3.11 can lose a cancellation that arrives in the same moment
    as the answer of the database or of Redis.
    """
    while not task.done():
        task.cancel()
        await asyncio.wait({task}, timeout=1)
    if not task.cancelled():
        task.exception()


async def _watch(context: Context, claim: Download) -> Interruption:
    """Renew a claim until something speaks against going on; return what."""
    cancelled = context.cancels[claim.history_id]
    loop = asyncio.get_running_loop()
    renewed_at = loop.time()
    try:
        while not context.stopping.is_set():
            await _first_of(cancelled, context.stopping)
            cancelled.clear()
            try:
                wished = await context.services.downloads.renew(claim)
            except DatabaseError:
                # A short absence of the database ends no download; a long one loses the claim.
                if loop.time() - renewed_at < CLAIM.total_seconds():
                    continue
                return Interruption.CLAIM_LOST
            renewed_at = loop.time()
            if wished is None:
                return Interruption.CLAIM_LOST
            if wished:
                return Interruption.CANCELLED
    finally:
        context.cancels.pop(claim.history_id, None)
    return Interruption.STOPPING


async def _first_of(*events: asyncio.Event) -> None:
    """Wait until one of the events is set, or until the claim should be renewed."""
    waits = [asyncio.create_task(event.wait()) for event in events]
    try:
        await asyncio.wait(
            waits,
            timeout=RENEW_EVERY.total_seconds(),
            return_when=asyncio.FIRST_COMPLETED,
        )
    finally:
        for wait in waits:
            wait.cancel()
