"""The outbox of one socket: every change of state, but of the figures only the newest."""

import asyncio
from collections import deque
from contextlib import suppress

from storage.feed import Heard

FIGURES_EVERY_S = 0.25
"""Progress of one download is told four times a second at most. Source: the contract, section 6."""

MAX_WAITING = 1_000
"""Beyond it everything is forgotten and a new snapshot says it all in one message."""


class Outbox:
    """What a socket has yet to tell; filled by the hub, emptied by the socket."""

    def __init__(self) -> None:
        self._states: deque[Heard] = deque()
        self._figures: dict[int, Heard] = {}
        self._told_at: dict[int, float] = {}
        self._snapshot_due = True
        self._stirred = asyncio.Event()
        self._doubted = asyncio.Event()

    def put(self, heard: Heard) -> None:
        """Keep an event; figures replace older ones of the same download."""
        if heard.message.get("type") == "state":
            # What the figures said belongs to the state before.
            self._figures.pop(heard.history_id, None)
            self._states.append(heard)
        else:
            self._figures[heard.history_id] = heard
        if len(self._states) + len(self._figures) > MAX_WAITING:
            self._snapshot_due = True
        self._stirred.set()

    def ask_snapshot(self) -> None:
        """Let the socket tell everything anew."""
        self._snapshot_due = True
        self._stirred.set()

    def doubt(self) -> None:
        """Let the socket look at once whether its token still holds."""
        self._doubted.set()

    async def is_doubted(self, within_s: float) -> bool:
        """Wait until the token is doubted; return False if it was not for so long."""
        try:
            async with asyncio.timeout(within_s):
                await self._doubted.wait()
        except TimeoutError:
            return False
        self._doubted.clear()
        return True

    def has_state(self, history_id: int) -> bool:
        """Return whether a change of state of this download is yet to be told."""
        return any(heard.history_id == history_id for heard in self._states)

    async def next(self) -> Heard | None:
        """Wait for the next event to tell; None means that a snapshot is due."""
        loop = asyncio.get_running_loop()
        while True:
            self._stirred.clear()
            if self._snapshot_due:
                self._snapshot_due = False
                self._states.clear()
                self._figures.clear()
                return None
            if self._states:
                return self._states.popleft()
            now = loop.time()
            if (history_id := self._ready(now)) is not None:
                self._told_at[history_id] = now
                return self._figures.pop(history_id)
            wait = min((self._told_at[i] + FIGURES_EVERY_S for i in self._figures), default=None)
            with suppress(TimeoutError):
                async with asyncio.timeout_at(wait):
                    await self._stirred.wait()

    def _ready(self, now: float) -> int | None:
        """Return a download whose figures may be told now."""
        self._told_at = {i: t for i, t in self._told_at.items() if t + FIGURES_EVERY_S > now}
        return next((i for i in self._figures if i not in self._told_at), None)
