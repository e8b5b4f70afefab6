"""One open socket: what it was told, what it is to be told, and when it ends."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from quart import Websocket

from domain.states import Stage, Status
from storage.db import DatabaseError, Row
from storage.downloads import Downloads
from storage.feed import Feed, Heard, as_figures
from web.messages import checked
from web.outbox import Outbox

SEND_TIMEOUT_S = 20
CHECK_EVERY_S = 10
"""How often rows and token are looked at again: a lost event or an ended token shows by then."""

MAX_MISSED_CHECKS = 2
MAX_MESSAGES_A_MINUTE = 30
POLICY = 1008
SLOW = 1008
LEFT = 1001
GONE = (OSError, RuntimeError)
"""What the server raises for a message to a client that is gone or being closed."""


class SocketClosedError(Exception):
    """The socket is to be closed with this code."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason


@dataclass(frozen=True, slots=True, kw_only=True)
class Watch:
    """The downloads of one user, from the rows, and from the feed what only it knows."""

    user_id: int
    downloads: Downloads
    feed: Feed

    async def snapshot(self) -> tuple[int, list[dict[str, Any]]]:
        """Return the number of the last event, and everything queued or running."""
        # The number first: what happens during the read is then told once more, never lost.
        seq = await self.feed.seq(self.user_id)
        rows = await self.downloads.active_of_user(self.user_id)
        latest = await self.feed.latest([row["history_id"] for row in rows])
        return seq, [_entry(row, latest.get(row["history_id"])) for row in rows]

    async def active(self) -> dict[int, Row]:
        """Return the rows that are queued or running."""
        rows = await self.downloads.active_of_user(self.user_id)
        return {row["history_id"]: row for row in rows}

    async def row(self, history_id: int) -> Row | None:
        """Return a download of this user, whatever its state; None if it is another's."""
        return await self.downloads.of_user(history_id, self.user_id)


class Socket:
    """Three loops over one connection: one tells, one reads, one checks."""

    def __init__(
        self,
        line: Websocket,
        watch: Watch,
        outbox: Outbox,
        *,
        still_known: Callable[[], Awaitable[bool]],
    ) -> None:
        self._line = line
        self._watch = watch
        self._outbox = outbox
        self._still_known = still_known
        self._seq = 0
        self._snapshot_seq = 0
        # What the client believes of each download that has not ended.
        self._told: dict[int, tuple[str, str]] = {}

    async def tell(self) -> None:
        """Send what comes into the outbox.

        Raises:
            SocketClosedError: The client does not read.
            DatabaseError: The rows for a snapshot cannot be read.
        """
        while True:
            heard = await self._outbox.next()
            if heard is None:
                await self._tell_snapshot()
            elif heard.seq == 0 or heard.seq > self._snapshot_seq:
                await self._tell_event(heard)

    async def read(self) -> None:
        """Take what the client sends; it has nothing to say, so chatter ends the socket.

        Raises:
            SocketClosedError: It said too much within a minute.
        """
        loop = asyncio.get_running_loop()
        until, count = loop.time() + 60, 0
        while True:
            await self._line.receive()
            if loop.time() > until:
                until, count = loop.time() + 60, 0
            count += 1
            if count > MAX_MESSAGES_A_MINUTE:
                raise SocketClosedError(POLICY, "too many messages")

    async def check(self) -> None:
        """Look again at token and rows, so that no lost event stays lost; if told, at once.

        Raises:
            SocketClosedError: The token has ended.
            DatabaseError: The database was away for several checks.
        """
        missed = 0
        while True:
            is_doubted = await self._outbox.is_doubted(CHECK_EVERY_S)
            try:
                if not await self._still_known():
                    raise SocketClosedError(4401, "token")
                if not is_doubted:
                    await self._catch_up()
                missed = 0
            except DatabaseError:
                missed += 1
                if missed > MAX_MISSED_CHECKS:
                    raise

    async def _tell_snapshot(self) -> None:
        self._seq, entries = await self._watch.snapshot()
        self._snapshot_seq = self._seq
        self._told = {entry["history_id"]: (entry["status"], entry["stage"]) for entry in entries}
        await self._send({"type": "snapshot", "seq": self._seq, "downloads": entries})

    async def _tell_event(self, heard: Heard) -> None:
        message = checked(heard.message)
        if message is None or not await self._is_ours(heard.history_id):
            return
        if message["type"] == "state":
            self._believe(heard.history_id, message["status_code"], message["stage"])
        # Figures wait for their turn, so an older number may come after a newer one.
        self._seq = max(self._seq, heard.seq)
        await self._send({"type": message.pop("type"), "seq": self._seq} | message)

    async def _is_ours(self, history_id: int) -> bool:
        """Ask the rows, not the event: anything may stand in Redis. Source: row WS-11."""
        return history_id in self._told or await self._watch.row(history_id) is not None

    def _believe(self, history_id: int, status_code: int, stage: str) -> None:
        status = Status(status_code)
        if status.is_active:
            self._told[history_id] = (status.label, stage)
        else:
            self._told.pop(history_id, None)

    async def _catch_up(self) -> None:
        """Put into the outbox what the rows say and the client was not told."""
        if await self._watch.feed.seq(self._watch.user_id) < self._snapshot_seq:
            # Redis lost its numbers; events would be taken for old ones for ever.
            self._outbox.ask_snapshot()
            return
        active = await self._watch.active()
        for history_id in {*self._told, *active}:
            if self._outbox.has_state(history_id):
                continue
            row = active.get(history_id) or await self._watch.row(history_id)
            if row is not None and self._told.get(history_id) != _standing(row):
                message = _entry(row, None) | {"type": "state"}
                self._outbox.put(
                    Heard(
                        seq=0,
                        user_id=self._watch.user_id,
                        history_id=history_id,
                        message=message,
                    )
                )

    async def _send(self, message: dict[str, Any]) -> None:
        try:
            async with asyncio.timeout(SEND_TIMEOUT_S):
                await self._line.send(json.dumps(message))
        except TimeoutError:
            raise SocketClosedError(SLOW, "reads too slowly") from None
        except GONE:
            raise SocketClosedError(LEFT, "gone") from None


def _standing(row: Row) -> tuple[str, str]:
    return Status(row["status"]).label, row["stage"]


def _entry(row: Row, latest: dict[str, Any] | None) -> dict[str, Any]:
    """Return a download as the snapshot shows it, with figures if they are of this attempt."""
    known = checked(latest) if latest is not None else None
    fits = (
        known is not None
        and known["type"] == "progress"
        and (known["attempt"], known["stage"]) == (row["attempts"], row["stage"])
        and row["status"] == Status.RUNNING
    )
    none = as_figures(None)
    return {
        "history_id": row["history_id"],
        "url": row["url"],
        "title": row["title"],
        "mode": row["mode"],
        "status": Status(row["status"]).label,
        "status_code": row["status"],
        "stage": Stage(row["stage"]).value,
        "attempt": row["attempts"],
        **({name: known[name] for name in none} if fits and known is not None else none),
    }
