"""The history of downloads: pages of rows, newest first, filtered and searched."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from domain.states import Mode, Status
from storage.db import Db, Row, Statements, TooSlowError

REACH = 1_000
"""How many of the newest rows a search looks through one by one before it asks the index."""

PATIENCE = timedelta(milliseconds=8)
"""How long the index may take: what matches in too many places is found by walking on."""

# What the index knows a text by is three letters or digits in a row.
_INDEXED = re.compile(r"[^\W_]{3}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Filters:
    """Which rows are wanted; None means any.

    Attributes:
        node: Where the file is, or is being fetched.
        q: What stands in the title or the address, whatever the case.
    """

    user_id: int | None = None
    status: Status | None = None
    mode: Mode | None = None
    node: str | None = None
    q: str | None = None

    @property
    def scope(self) -> tuple[str | int | None, ...]:
        """Return what a cursor of these rows is good for."""
        return (self.user_id, self.status, self.mode, self.node, self.q)


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """Rows, newest first.

    Attributes:
        before: What is older stands below this id; None: there is nothing older.
    """

    rows: Sequence[Row]
    before: int | None


class History:
    """Reads the rows that their owners have not deleted."""

    def __init__(self, db: Db, *, reach: int = REACH, patience: timedelta = PATIENCE) -> None:
        self._db = db
        self._reach = reach
        self._patience = patience

    async def page(self, wanted: Filters, *, before: int, limit: int) -> Page:
        """Return the newest wanted rows with an id below ``before``.

        A page of a search may hold fewer than ``limit`` rows, even none, and still have older
        ones behind it: it is cut where looking on would take too long.
        Source: docs/decisions/0016-history.md.
        """
        if wanted.user_id is None or wanted.q is not None or wanted.node is not None:
            return await self._search(wanted, before=before, limit=limit)
        place = {"user_id": wanted.user_id, "before": before, "limit": limit + 1}
        if wanted.status is None and wanted.mode is None:
            return _page(await self._db.all("history_page", **place), limit)
        rows = await self._db.all(
            "history_page_filtered",
            statuses=[wanted.status] if wanted.status is not None else list(Status),
            modes=[wanted.mode] if wanted.mode is not None else list(Mode),
            **place,
        )
        return _page(rows, limit)

    async def owner_of(self, history_id: int) -> int | None:
        """Return whose a download is, or None if there is none or its record was deleted."""
        row = await self._db.one("history_owner", history_id=history_id)
        return None if row is None else int(row["user_id"])

    async def _search(self, wanted: Filters, *, before: int, limit: int) -> Page:
        walked: Page | None = None
        try:
            async with self._db.transaction() as statements:
                await statements.one("history_plan")
                walked = await self._walk(statements, wanted, before=before, limit=limit)
                if walked.before is None or len(walked.rows) == limit or not _is_indexed(wanted):
                    return walked
                await statements.one("history_bound", ms=str(self._patience // _MS))
                rows = await statements.all(
                    "history_index", before=before, limit=limit + 1, **_values(wanted)
                )
                return _page(rows, limit)
        except TooSlowError:
            if walked is None:
                raise
            return walked

    async def _walk(
        self, statements: Statements, wanted: Filters, *, before: int, limit: int
    ) -> Page:
        """Look through the newest rows, one by one, and no further than the reach."""
        place = {"before": before, "reach": self._reach}
        rows = await statements.all("history_walk", limit=limit + 1, **place, **_values(wanted))
        if len(rows) > limit:
            return _page(rows, limit)
        last = await statements.one("history_reach", user_id=wanted.user_id, **place)
        return Page(rows=rows, before=None if last is None else last["history_id"])


_MS = timedelta(milliseconds=1)


def _page(rows: Sequence[Row], limit: int) -> Page:
    """Return a page of ``limit`` rows; one row more than that tells whether another follows."""
    shown = rows[:limit]
    return Page(rows=shown, before=shown[-1]["history_id"] if len(rows) > limit else None)


def _is_indexed(wanted: Filters) -> bool:
    """Return whether the index knows anything of what is wanted."""
    is_text = wanted.q is not None and _INDEXED.search(wanted.q) is not None
    return is_text or wanted.status is not None or wanted.mode is not None


def _values(wanted: Filters) -> dict[str, object]:
    return {
        "user_id": wanted.user_id,
        "status": wanted.status,
        "mode": wanted.mode,
        "node": wanted.node,
        "pattern": None if wanted.q is None else containing(wanted.q),
    }


def containing(text: str) -> str:
    """Return the LIKE pattern of what contains a text, none of whose characters is special."""
    return "%" + re.sub(r"([\\%_])", r"\\\1", text) + "%"
