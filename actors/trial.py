"""The trial of one suspect, in a process of its own: its death affects no other download.

Its arguments are the id, the epoch and the holder of the claim that its worker made for it; the
worker watches how this process ends. Source: docs/decisions/0004-retries.md.
"""

import asyncio
import ctypes
import os
import signal
import sys
from contextlib import AsyncExitStack

from actors.context import Context
from actors.declarations import WORKS
from actors.opening import BOOT_ERRORS, open_context
from actors.pipeline import open_wakeups
from actors.stage import COULD_NOT_BEGIN, run, run_claimed
from actors.upkeep import hear_cancels
from domain.download import Download
from domain.failures import InterruptedDownloadError
from domain.states import Stage
from runtime import logs, settings_layers
from runtime.settings import Settings

_PR_SET_PDEATHSIG = 1

_log = logs.get("actors.trial")


async def _try(settings: Settings, history_id: int, epoch: int, holder: str) -> int:
    """Do what is left of a download, as far as this process may; return the exit status."""
    wakeups = open_wakeups(settings.broker.url.get_secret_value())
    async with AsyncExitStack() as stack:
        stack.callback(wakeups.close)
        try:
            opened = open_context(settings, wakeups, trial_of=holder)
            context = await stack.enter_async_context(opened)
            claim = await context.services.downloads.held(history_id, epoch)
        except (*BOOT_ERRORS, InterruptedDownloadError) as error:
            _log.error("trial_not_begun", error=str(error), history_id=history_id)
            return COULD_NOT_BEGIN
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, context.stopping.set)
        if claim is not None:
            await _do(context, claim)
    return os.EX_OK


async def _do(context: Context, claim: Download) -> None:
    cancels = asyncio.create_task(hear_cancels(context))
    try:
        await run_claimed(context, claim, WORKS[claim.stage])
        for stage in list(Stage)[list(Stage).index(claim.stage) + 1 :]:
            if not context.stopping.is_set():
                # Nothing happens unless the stage before has made it due.
                await run(context, stage, WORKS[stage], claim.history_id)
    finally:
        cancels.cancel()
        await asyncio.gather(cancels, return_exceptions=True)


def main() -> int:
    """Run the trial that the arguments name; return the exit status."""
    history_id, epoch, holder = sys.argv[1:]
    # Our worker interprets how we end; without it our death would mean nothing.
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    settings = settings_layers.load()
    logs.configure(settings.log, part="trial")
    return asyncio.run(_try(settings, int(history_id), int(epoch), holder))
