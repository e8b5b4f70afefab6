"""Audiences: the sockets of one user, which are told the same; each message is made once."""

import asyncio
from collections.abc import Collection
from contextlib import suppress

from storage.db import DatabaseError, Row
from storage.feed import Heard
from web.errands import end
from web.progress.beliefs import Beliefs
from web.progress.lines import frame_of
from web.progress.listeners import Listener, spread
from web.progress.messages import checked, text_of
from web.progress.outbox import Outbox
from web.progress.watches import Message, Watch, as_state

LOOK_EVERY_S = 10
"""How often the rows are looked at again: what a lost event said is told by then."""


class Audience:
    """Two loops for all sockets of a user in this process: one tells events, one looks at rows.

    The one that tells never waits for the other: a slow database makes no progress late.
    """

    def __init__(self, watch: Watch) -> None:
        self._watch = watch
        self._outbox = Outbox()
        self._beliefs = Beliefs()
        self._listeners: set[Listener] = set()
        # Those who know everything up to now, and those who have yet to be brought up to it.
        self._present: set[Listener] = set()
        self._due: set[Listener] = set()
        self._look_due = asyncio.Event()
        # The states that were told since the last look began: its rows may be older.
        self._meanwhile: list[tuple[int, Message]] = []
        self._seq = 0

    def __len__(self) -> int:
        return len(self._listeners)

    def join(self, listener: Listener) -> None:
        """Tell a socket what it does not know, and from then on what happens."""
        self._listeners.add(listener)
        self._bring_up({listener})

    def leave(self, listener: Listener) -> None:
        """Tell a socket no more."""
        for listeners in (self._listeners, self._present, self._due):
            listeners.discard(listener)

    def go_on(self, listener: Listener) -> None:
        """Tell a socket that takes messages again what it missed."""
        if listener.is_behind:
            self._bring_up({listener})

    def hear(self, heard: Heard) -> None:
        """Take an event; if it is one too many, the rows will say it all in short."""
        if not self._outbox.put(heard):
            self.miss()

    def miss(self) -> None:
        """Let every socket be told what it missed: events were lost."""
        self._outbox.clear()
        self._bring_up(self._listeners)

    def doubt(self) -> None:
        """Let every socket look at once whether it may stay."""
        for listener in self._listeners:
            listener.doubt()

    async def run(self) -> None:
        """Tell the sockets what happens; when this ends, whatever ends it, they do too."""
        loops = [asyncio.create_task(loop()) for loop in (self._tell_events, self._look_at_rows)]
        try:
            ended, _ = await asyncio.wait(loops, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for listener in self._listeners:
                listener.fail()
            await end(loops)
        for loop in ended:
            loop.result()

    async def _tell_events(self) -> None:
        while True:
            heard = await self._outbox.next()
            # What the database does not confirm now, the next look at the rows tells.
            with suppress(DatabaseError):
                await self._tell_event(heard)

    async def _look_at_rows(self) -> None:
        """Look when somebody has lost something, and at times, for an event that was lost."""
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(spread(LOOK_EVERY_S)):
                    await self._look_due.wait()
            self._look_due.clear()
            due, self._due = self._due, set()
            try:
                await self._bring_up_to_now(due)
            except DatabaseError:
                for listener in due:
                    listener.fail()

    def _bring_up(self, listeners: Collection[Listener]) -> None:
        self._due.update(listeners)
        self._present.difference_update(listeners)
        self._look_due.set()

    async def _bring_up_to_now(self, due: Collection[Listener]) -> None:
        self._meanwhile = []
        # The number first: what happens during the reading is then told once more, never lost.
        seq = await self._watch.seq() if due else 0
        rows = (await self._watch.rows(self._beliefs)).values()
        self._tell_differences(rows)
        numbers = {listener.number for listener in due}
        for number, group in [(n, [one for one in due if one.number == n]) for n in numbers]:
            missed = None if number is None else await self._watch.missed(number)
            entries = [] if missed is not None else await self._watch.entries(rows)
            for listener in group:
                listener.begin(seq)
            if missed is None or number is None:
                self._send({"type": "snapshot", "downloads": entries}, seq, group)
            else:
                self._tell_missed(missed, number, max(seq, number), group)
            for told in (*entries, *(missed or ())):
                self._beliefs.take_figures(told)
            for at, message in self._meanwhile:
                if at > seq:
                    self._send(message, self._seq, group)
            self._present.update(self._listeners.intersection(group))

    def _tell_differences(self, rows: Collection[Row]) -> None:
        """Tell those present what the rows say otherwise than they believe."""
        newer = self._outbox.waiting_states()
        newer.update(message["history_id"] for _, message in self._meanwhile)
        for row in rows:
            if row["history_id"] not in newer and not self._beliefs.agrees(row):
                self._tell(as_state(row), 0)

    def _tell_missed(
        self, missed: list[Message], since: int, seq: int, group: list[Listener]
    ) -> None:
        # The last one alone has the new number, or who leaves before it would miss the rest.
        for left, message in zip(reversed(range(len(missed))), missed, strict=True):
            self._send(message, since if left else seq, group)
        for listener in group:
            if not listener.is_behind:
                listener.number = seq

    async def _tell_event(self, heard: Heard) -> None:
        message = checked(heard.message)
        if message is None or not await self._is_ours(heard.history_id):
            return
        # Figures wait for their turn, so an older number may come after a newer one.
        self._seq = max(self._seq, heard.seq)
        self._tell(message, heard.seq)

    async def _is_ours(self, history_id: int) -> bool:
        """Ask the rows, not the event: anything may stand in Redis. Source: row WS-11."""
        if history_id in self._beliefs:
            return True
        row = await self._watch.row(history_id)
        if row is not None:
            self._beliefs.take(as_state(row))
        return row is not None

    def _tell(self, message: Message, number: int) -> None:
        """Tell those present; 0 is the number of what no event said."""
        if message["type"] == "state":
            self._beliefs.take(message)
            self._meanwhile.append((number, message))
        elif not self._beliefs.take_figures(message):
            return
        if number:
            early = [one for one in self._present if number > one.starts_after]
            self._send(message, self._seq, early)
            return
        for listener in self._present:
            self._send(message, max(self._seq, listener.number or 0), [listener])

    @staticmethod
    def _send(message: Message, seq: int, listeners: Collection[Listener]) -> None:
        frame = frame_of(text_of(message, seq))
        for listener in listeners:
            listener.tell(frame, seq)
