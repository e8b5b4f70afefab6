"""The outbox of an audience: every change of state, but of the figures only the newest."""

import asyncio
from collections import deque
from contextlib import suppress

from storage.feed import Heard

FIGURES_EVERY_S = 0.25
"""Progress of one download is told four times a second at most. Source: the contract, section 6."""

MAX_WAITING = 1_000


class Outbox:
    """What is yet to be told; filled by the hub, emptied by the audience."""

    def __init__(self) -> None:
        self._states: deque[Heard] = deque()
        self._figures: dict[int, Heard] = {}
        # Of whose figures none may be told before, in the order of these times; and who may.
        self._resting: dict[int, float] = {}
        self._ready: dict[int, None] = {}
        self._stirred = asyncio.Event()

    def put(self, heard: Heard) -> bool:
        """Keep an event, figures in place of older ones; return False if too many wait."""
        history_id = heard.history_id
        if heard.message.get("type") == "state":
            # What the figures said belongs to the state before.
            self._figures.pop(history_id, None)
            self._ready.pop(history_id, None)
            self._states.append(heard)
        else:
            self._figures[history_id] = heard
            if history_id not in self._resting:
                self._ready[history_id] = None
        self._stirred.set()
        return len(self._states) + len(self._figures) <= MAX_WAITING

    def clear(self) -> None:
        """Forget what waits."""
        self._states.clear()
        self._figures.clear()
        self._ready.clear()

    def waiting_states(self) -> set[int]:
        """Return the downloads of which a change of state is yet to be told."""
        return {heard.history_id for heard in self._states}

    async def next(self) -> Heard:
        """Wait for the next event to tell."""
        loop = asyncio.get_running_loop()
        while True:
            self._stirred.clear()
            if self._states:
                return self._states.popleft()
            now = loop.time()
            self._wake(now)
            if self._ready:
                history_id = next(iter(self._ready))
                del self._ready[history_id]
                self._resting[history_id] = now + FIGURES_EVERY_S
                return self._figures.pop(history_id)
            wait = next(iter(self._resting.values())) if self._figures else None
            with suppress(TimeoutError):
                async with asyncio.timeout_at(wait):
                    await self._stirred.wait()

    def _wake(self, now: float) -> None:
        """Let those go on who have rested for long enough."""
        while self._resting:
            history_id, until = next(iter(self._resting.items()))
            if until > now:
                return
            del self._resting[history_id]
            if history_id in self._figures:
                self._ready[history_id] = None
