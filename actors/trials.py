"""The trials of a node: downloads whose holder died are tried alone, each in its own process."""

import asyncio
import os
import signal
import sys
from asyncio.subprocess import Process
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

from actors.context import Context
from actors.opening import new_holder
from actors.settlement import settle_error
from actors.stage import COULD_NOT_BEGIN, may_begin
from actors.sweep import complete_of, tell_taken_back
from domain.download import Download
from domain.failures import InterruptedDownloadError
from domain.policy import is_given_up
from runtime import logs
from storage.db import DatabaseError
from storage.files import RootMissingError

LOOK_EVERY = timedelta(seconds=2)
STOP_TIMEOUT = timedelta(seconds=4)
"""Less than a worker has for its own stop."""

_BLAMELESS = (os.EX_OK, COULD_NOT_BEGIN, -signal.SIGTERM)
"""The exit statuses of a process that handed its download on, or never began it."""

_TOP = Path(__file__).resolve().parents[1]
# -P and our own folder last, as in gateways/ytdlp/spawning.py; the current one stays, for the
# settings may name files by it.
_PROGRAM = (
    "import sys; sys.path.append(sys.argv.pop(1)); from actors.trial import main; sys.exit(main())"
)

_log = logs.get("actors.trials")


async def serve_trials(context: Context) -> None:
    """Try the suspects of this node, until cancelled; none outlives this call."""
    running: set[asyncio.Task[None]] = set()
    try:
        while True:
            with suppress(DatabaseError, RootMissingError, OSError):
                if (claim := await _claim_next(context)) is not None:
                    trial = asyncio.create_task(_try(context, *claim))
                    running.add(trial)
                    trial.add_done_callback(running.discard)
            await asyncio.sleep(LOOK_EVERY.total_seconds())
    finally:
        # Each then asks its process to end, and frees what that leaves behind.
        context.stopping.set()
        await asyncio.gather(*running, return_exceptions=True)


async def _claim_next(context: Context) -> tuple[str, Download] | None:
    """Return the next suspect, claimed for a holder that is still to be started."""
    services = context.services
    suspects = await services.due.suspects()
    if not suspects or context.stopping.is_set() or not await may_begin(context):
        return None
    holder = new_holder(context.node)
    for history_id, stage in suspects:
        claim = await services.downloads.claim(
            history_id, stage, holder=holder, turns=services.turns, on_trial=True
        )
        if claim is None:
            continue
        if not is_given_up(crashes=claim.crashes, lone_crashes=claim.lone_crashes):
            return holder, claim
        error = InterruptedDownloadError("The download crashed its worker repeatedly.")
        await settle_error(context, claim, error, final=True)
    return None


async def _try(context: Context, holder: str, claim: Download) -> None:
    """Let a process of its own do a download, and write down how that ended."""
    try:
        process = await _start(holder, claim)
        _log.info("trial_started", history_id=claim.history_id, pid=process.pid)
        try:
            status = await _ended(context, process)
        finally:
            await _stop(process)
    except OSError as error:
        _log.error("trial_not_started", error=str(error), history_id=claim.history_id)
        status = COULD_NOT_BEGIN
    # Without the database the claim runs out, and the sweep finds it.
    with suppress(DatabaseError):
        await _write_end(context, holder, claim, status)


async def _write_end(context: Context, holder: str, claim: Download, status: int) -> None:
    due = context.services.due
    complete = await complete_of(context, [(claim.history_id, claim.attempt)])
    if status in _BLAMELESS:
        taken = await due.release(holder, keep=complete)
    else:
        _log.error("trial_died", history_id=claim.history_id, exit_status=status)
        taken = await due.bury(holder, keep=complete, is_alone=True)
    await tell_taken_back(context, taken)


async def _start(holder: str, claim: Download) -> Process:
    arguments = [str(_TOP), str(claim.history_id), str(claim.epoch), holder]
    return await asyncio.create_subprocess_exec(
        sys.executable, "-P", "-c", _PROGRAM, *arguments, stdin=asyncio.subprocess.DEVNULL
    )


async def _ended(context: Context, process: Process) -> int:
    """Return the exit status, or that of a good end if this worker is asked to stop."""
    ended = asyncio.create_task(process.wait())
    stopping = asyncio.create_task(context.stopping.wait())
    try:
        await asyncio.wait({ended, stopping}, return_when=asyncio.FIRST_COMPLETED)
        return ended.result() if ended.done() else os.EX_OK
    finally:
        ended.cancel()
        stopping.cancel()


async def _stop(process: Process) -> None:
    """Ask a process to hand its download on; nothing happens if it has ended."""
    if process.returncode is not None:
        return
    process.terminate()
    with suppress(TimeoutError):
        async with asyncio.timeout(STOP_TIMEOUT.total_seconds()):
            await process.wait()
            return
    process.kill()
    await process.wait()
