"""Errands: small things done beside an answer, which nobody waits for."""

import asyncio
from collections.abc import Coroutine, Iterable
from typing import Any

MAX_RUNNING = 1_000
"""Beyond it errands are dropped: they only tell listeners, and the rows say the same."""


async def end(tasks: Iterable["asyncio.Task[Any]"]) -> None:
    """Cancel tasks until they have ended.

    Once is not enough: in Python 3.11 ``asyncio.wait_for``, which the driver of PostgreSQL uses,
    swallows a cancellation that comes in the moment of its result (cpython issue 86296).
    """
    running = {task for task in tasks if not task.done()}
    while running:
        for task in running:
            task.cancel()
        _, running = await asyncio.wait(running, timeout=0.1)


class Errands:
    """Runs errands; each must end by itself within seconds."""

    def __init__(self) -> None:
        self._running: set[asyncio.Task[object]] = set()

    def run(self, errand: Coroutine[Any, Any, object]) -> None:
        """Start an errand; it must not raise."""
        if len(self._running) >= MAX_RUNNING:
            errand.close()
            return
        task: asyncio.Task[object] = asyncio.create_task(errand)
        # The loop itself keeps no task alive.
        self._running.add(task)
        task.add_done_callback(self._running.discard)

    async def close(self) -> None:
        """Give the errands two seconds to end."""
        if self._running:
            _, late = await asyncio.wait(self._running, timeout=2)
            await end(late)
