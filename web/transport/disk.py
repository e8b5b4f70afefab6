"""The disk: threads for reading files, apart from those of everything else."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import TypeVar

Read = TypeVar("Read")

# A disk that hangs must not keep logins waiting for a thread of the common pool.
_THREADS = ThreadPoolExecutor(8, thread_name_prefix="disk")


async def on_disk(work: Callable[[], Read]) -> Read:
    """Return what a blocking function returns; if cancelled, leave only when it has ended.

    Its caller closes descriptors when it leaves, and a thread must not go on reading them.
    """
    running = asyncio.get_running_loop().run_in_executor(_THREADS, work)
    try:
        return await asyncio.shield(running)
    except asyncio.CancelledError:
        while not running.done():
            # More than once: its patience ends, and then the client leaves.
            with suppress(asyncio.CancelledError):
                await asyncio.wait([running])
        raise
