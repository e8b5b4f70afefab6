"""Tallies: what was delivered and how it ended, written to the database every few seconds."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager, suppress
from typing import TypeVar

from storage.db import DatabaseError
from storage.deliveries import Deliveries, Outcome, Tally

Key = TypeVar("Key")

WRITE_EVERY_S = 2.0


class Tallies:
    """Counts in memory, so that a player that asks for a thousand ranges costs no thousand writes.

    A process that is killed loses what it counted in the last two seconds.
    """

    def __init__(self, deliveries: Deliveries) -> None:
        self._deliveries = deliveries
        self._files: defaultdict[int, Tally] = defaultdict(Tally)
        self._outcomes: defaultdict[Outcome, Tally] = defaultdict(Tally)

    def count(self, outcome: Outcome, sent: Sequence[tuple[int, int]] = ()) -> None:
        """Count how a request for files ended.

        Args:
            sent: Each download of which bytes were sent, and how many.
        """
        self._outcomes[outcome].add(sum(sent_bytes for _, sent_bytes in sent))
        for history_id, sent_bytes in sent:
            self._files[history_id].add(sent_bytes)

    @asynccontextmanager
    async def kept_up(self) -> AsyncGenerator[None]:
        """Write what is counted, meanwhile and at the end."""
        ending = asyncio.Event()
        writing = asyncio.create_task(self._keep_up(ending))
        try:
            yield
        finally:
            # Not cancelled: a write whose end is unknown would be counted twice or not at all.
            ending.set()
            await writing

    async def _keep_up(self, ending: asyncio.Event) -> None:
        while not ending.is_set():
            with suppress(TimeoutError):
                await asyncio.wait_for(ending.wait(), WRITE_EVERY_S)
            await self._write()

    async def _write(self) -> None:
        """Write what was counted since the last time; while the database is away it is kept."""
        files, self._files = self._files, defaultdict(Tally)
        outcomes, self._outcomes = self._outcomes, defaultdict(Tally)
        if not outcomes:
            return
        try:
            await self._deliveries.add(files, outcomes)
        except DatabaseError:
            _merge(self._files, files)
            _merge(self._outcomes, outcomes)


def _merge(tallies: dict[Key, Tally], counted: dict[Key, Tally]) -> None:
    for key, tally in counted.items():
        tallies[key].number += tally.number
        tallies[key].sent_bytes += tally.sent_bytes
