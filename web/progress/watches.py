"""Watches: what a user may be told, from the rows, and from the feed what only it knows."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from domain.states import Stage, Status
from domain.waiting import Waiting
from storage.db import Row
from storage.downloads import Downloads
from storage.feed import Feed, Heard, as_figures
from storage.waits import Waits
from web.progress.messages import checked
from web.views import waiting_view

Message = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Watch:
    """The downloads of one user."""

    user_id: int
    downloads: Downloads
    feed: Feed
    waits: Waits

    async def seq(self) -> int:
        """Return the number of the user's last event; what is read afterwards is as new."""
        return await self.feed.seq(self.user_id)

    async def entries(self, rows: Collection[Row]) -> list[Message]:
        """Return what of these rows is queued or running, as the snapshot shows it."""
        active = [row for row in rows if Status(row["status"]).is_active and not row["hidden_at"]]
        latest = await self.feed.latest([row["history_id"] for row in active])
        waits = await self.waits.of(active)
        return [_entry(row, latest.get(row["history_id"]), waits) for row in active]

    async def missed(self, since: int) -> list[Message] | None:
        """Return what a client does not know that has heard everything up to a number.

        The rows say where each download stands, the feed says what was told of it: what differs
        was missed, even if its event was lost.

        Returns:
            Messages, states first; None if nobody can know, so that a snapshot must do.
        """
        recent = await self.feed.recent(self.user_id, since)
        if recent is None:
            return None
        rows = await self.rows(recent)
        heard = [(row, recent.get(history_id)) for history_id, row in rows.items()]
        states = [as_state(row) for row, event in heard if not _is_known(row, event, since)]
        newer = [(row, event.message) for row, event in heard if event and event.seq > since]
        figures = [told for row, message in newer if (told := _figures(row, message))]
        return [*states, *figures]

    async def rows(self, named: Iterable[int]) -> dict[int, Row]:
        """Return the rows that are queued or running, and those that are named."""
        rows = await self.downloads.watched(self.user_id, list(named))
        return {row["history_id"]: row for row in rows}

    async def row(self, history_id: int) -> Row | None:
        """Return a download of this user, whatever its state; None if it is another's."""
        return await self.downloads.of_user(history_id, self.user_id)


def as_state(row: Row) -> Message:
    """Return the message that a download stands where its row says."""
    return {
        "type": "state",
        "history_id": row["history_id"],
        "status": Status(row["status"]).label,
        "status_code": row["status"],
        "stage": Stage(row["stage"]).value,
        "attempt": row["attempts"],
    }


def _entry(row: Row, latest: Message | None, waits: Mapping[int, Waiting]) -> Message:
    waiting = waiting_view(waits.get(row["history_id"]))
    figures = (latest is not None and _figures(row, latest)) or {}
    return {
        "history_id": row["history_id"],
        "url": row["url"],
        "title": row["title"],
        "mode": row["mode"],
        **{name: text for name, text in as_state(row).items() if name != "type"},
        **{name: figures.get(name) for name in as_figures(None)},
        "waiting": waiting and waiting.model_dump(mode="json"),
    }


def _figures(row: Row, message: Message) -> Message | None:
    """Return a message of progress if it fits the row: running, the same stage and attempt."""
    known = checked(message)
    fits = known is not None and known["type"] == "progress" and _agree(row, known)
    return known if fits else None


def _is_known(row: Row, event: Heard | None, since: int) -> bool:
    """Return whether the last event that a client heard of a download says what its row says."""
    if event is None or event.seq > since:
        return False
    known = checked(event.message)
    return known is not None and _agree(row, known)


def _agree(row: Row, message: Message) -> bool:
    told = (message["status_code"], message["stage"], message["attempt"])
    return told == (row["status"], row["stage"], row["attempts"])
