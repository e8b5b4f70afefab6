"""The exits: how well each proxy has worked, which cool down, and what the provider did."""

from collections.abc import Sequence
from datetime import timedelta

from storage.db import Db, Row

ACQUIRED = "acquired"
"""The outcome of an acquisition that succeeded, beside the reasons of those that failed."""


class Exits:
    """The rows of ``exits`` and ``proxy_counts``, shared by all nodes."""

    def __init__(self, db: Db) -> None:
        self._db = db

    async def avoided(self) -> tuple[frozenset[str], frozenset[str]]:
        """Return the names of the exits that cool down, and of those that score poorly."""
        rows = await self._db.all("exits_avoided")
        cooling = frozenset(row["exit_name"] for row in rows if row["cooling"])
        return cooling, frozenset(row["exit_name"] for row in rows) - cooling

    async def cooling(self) -> int:
        """Return how many exits cool down."""
        row = await self._db.one("exits_cooling")
        return 0 if row is None else int(row["number"])

    async def praise(self, exit_name: str) -> None:
        """Note that a fetch through an exit succeeded."""
        await self._db.one("exits_praise", exit_name=exit_name)

    async def blame(self, exit_name: str, pause: timedelta) -> None:
        """Note that an exit failed, and leave it alone for so long; a longer pause stays."""
        await self._db.one("exits_blame", exit_name=exit_name, seconds=pause.total_seconds())

    async def count(
        self, provider: str, outcome: str, *, seconds: float, cost: float = 0.0
    ) -> None:
        """Note one acquisition, how long it took and what it cost."""
        values = {"provider": provider, "outcome": outcome, "seconds": seconds, "cost": cost}
        await self._db.one("proxy_counts_add", **values)

    async def counts(self) -> Sequence[Row]:
        """Return for each provider and outcome: number, seconds and cost of all acquisitions."""
        return await self._db.all("proxy_counts_all")

    async def all(self, limit: int) -> Sequence[Row]:
        """Return the exits used last, the newest first.

        ``score`` is from 0 to 1, ``cooling_until`` None for those that do not cool down, and
        ``running`` the number of downloads that go through each now.
        """
        return await self._db.all("exits_all", limit=limit)
