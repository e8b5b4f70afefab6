"""How a stage ends: the row first, then who must be told and what must be cleared away."""

import asyncio
import random
from datetime import timedelta
from enum import Enum, auto

from actors import proxies
from actors.context import Context
from actors.limits import cool_down
from domain.download import Digest, Download, FetchedMedia, ProxyLease
from domain.events import StateEvent
from domain.failures import CorruptError, DownloadError
from domain.policy import PROXY_ERRORS, proxy_delay, retry_delay
from domain.requests import site_of
from domain.states import Stage, Status
from runtime import logs

NO_DELAY = timedelta(0)

_log = logs.get("actors.settlement")


class Interruption(Enum):
    """Why a work that was going well had to end."""

    CANCELLED = auto()
    STOPPING = auto()
    TWIN_GONE = auto()
    CLAIM_LOST = auto()


async def settle_success(
    context: Context, claim: Download, outcome: ProxyLease | FetchedMedia | Digest | None
) -> None:
    """Pass a download on to its next stage, or tell of its end after the last one."""
    if claim.stage is Stage.FETCH:
        await proxies.judge(context, claim, None)
    following = claim.stage.following
    if following is None:
        # The work of ``record`` has written the final state itself, with the file in place.
        _log.info("download_finished", status=claim.mode.finished.label)
        await _end(context, claim, claim.mode.finished)
        return
    if await context.services.downloads.pass_on(claim, following, outcome=outcome):
        context.wakeups.send(following, claim.history_id, node=context.node)
        await tell(context, claim, Status.RUNNING, following)
    else:
        await _cancel_wished(context, claim)


async def settle_error(
    context: Context, claim: Download, error: DownloadError, *, final: bool = False
) -> None:
    """Queue the download again after the delay of the policy, or end it as failed."""
    keeps_file = claim.stage in (Stage.CHECKSUM, Stage.RECORD) and not isinstance(
        error, CorruptError
    )
    delay = _delay(context, claim, error, keeps_file=keeps_file)
    level = "error" if delay is None or final else "warning"
    getattr(_log, level)(
        "stage_failed",
        code=error.code.value,
        explanation=str(error),
        detail=error.detail or None,
        retry_in_s=None if delay is None or final else round(delay.total_seconds(), 3),
    )
    await cool_down(context, site_of(claim.wish.url), error)
    if claim.stage is Stage.FETCH:
        await proxies.judge(context, claim, error)
    if delay is None or final:
        if await context.services.downloads.fail(claim, error):
            await _end(context, claim, Status.FAILED)
    elif keeps_file:
        await _repeat_stage(context, claim, error, delay)
    else:
        await _put_back(context, claim, error, delay)


def _delay(
    context: Context, claim: Download, error: DownloadError, *, keeps_file: bool
) -> timedelta | None:
    """Return what the policy says: how long to wait, or None to give up."""
    jitter = random.random()  # noqa: S311 - spreads load, guards nothing
    if isinstance(error, PROXY_ERRORS):
        return proxy_delay(
            error,
            faults=claim.proxy_faults,
            failing=claim.proxy_failing,
            patience=context.services.proxy_patience,
            jitter=jitter,
        )
    return retry_delay(
        error,
        attempt=claim.tries if keeps_file else claim.attempt,
        max_attempts=context.services.settings.downloads.max_attempts,
        backoff=context.services.backoff,
        jitter=jitter,
    )


async def settle_interruption(
    context: Context, claim: Download, interruption: Interruption
) -> None:
    """End a cancelled download, hand on what this worker can no longer do, leave what is lost."""
    downloads = context.services.downloads
    match interruption:
        case Interruption.CANCELLED:
            if await downloads.end_cancelled(claim):
                await _end(context, claim, Status.CANCELLED)
        case Interruption.STOPPING if claim.stage in (Stage.CHECKSUM, Stage.RECORD):
            await downloads.let_go(claim)
        case Interruption.STOPPING | Interruption.TWIN_GONE:
            await _put_back(context, claim, None, NO_DELAY)
        case Interruption.CLAIM_LOST if claim.stage in (Stage.ACQUIRE_PROXY, Stage.FETCH):
            # The next attempt has a staging folder of its own, so this one is only ours.
            await _clear_staging(context, claim)
        case Interruption.CLAIM_LOST:
            pass


async def tell(context: Context, claim: Download, status: Status, stage: Stage) -> None:
    """Publish that a download moved."""
    event = StateEvent(
        history_id=claim.history_id,
        user_id=claim.user_id,
        status=status,
        stage=stage,
        attempt=claim.attempt,
    )
    if not await context.services.feed.publish(event):
        _log.warning("event_not_published", advice="sockets read the row again within 20 s")


async def _repeat_stage(
    context: Context, claim: Download, error: DownloadError, delay: timedelta
) -> None:
    """Have the same stage done again on this node, where the file is."""
    if await context.services.downloads.repeat_stage(claim, error=error, delay=delay):
        context.wakeups.send(claim.stage, claim.history_id, node=context.node, delay=delay)
    else:
        await _cancel_wished(context, claim)


async def _put_back(
    context: Context, claim: Download, error: DownloadError | None, delay: timedelta
) -> None:
    """Give the slot back and queue the download again, unless it is somebody else's by now."""
    await _clear_staging(context, claim)
    if await context.services.downloads.renew(claim) is None:
        # The lease that is kept is the other holder's.
        return
    await proxies.give_back(context, claim.history_id)
    if await context.services.downloads.put_back(claim, error=error, delay=delay):
        context.wakeups.send(Stage.ACQUIRE_PROXY, claim.history_id, delay=delay)
        await tell(context, claim, Status.QUEUED, Stage.ACQUIRE_PROXY)
    else:
        await _cancel_wished(context, claim)
    if not context.stopping.is_set():
        await context.give_turns()


async def _cancel_wished(context: Context, claim: Download) -> None:
    """End a download as cancelled if that is why it could not be handed on.

    The wish came after the last look and before the settlement; the next stage would refuse it.
    """
    if await context.services.downloads.renew(claim):
        await settle_interruption(context, claim, Interruption.CANCELLED)


async def _end(context: Context, claim: Download, status: Status) -> None:
    """Clear away what a finished download leaves, tell of its end, and call up the next."""
    await context.give_turns()
    await tell(context, claim, status, claim.stage)
    await _clear_staging(context, claim)
    await proxies.give_back(context, claim.history_id)


async def _clear_staging(context: Context, claim: Download) -> None:
    files = context.services.files
    await asyncio.to_thread(files.clear_staging, claim.history_id, claim.attempt)
