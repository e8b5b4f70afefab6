"""How downloads ended on each of the last days, and of which sites they failed."""

from collections.abc import Sequence
from datetime import timedelta

from storage.db import Db, Row

KEPT = timedelta(days=14)
"""How many days are told of, the present one in UTC included; older ones are forgotten."""

FAILURES_KEPT = timedelta(days=7)
"""Over how many of them failures are added up."""


class Ends:
    """The rows of ``end_counts`` and of ``end_events``, which are still to be added to them.

    An end is counted on its own day, so a download that failed, was tried again and is ready now
    counts as both.
    """

    def __init__(self, db: Db) -> None:
        self._db = db

    async def fold(self) -> None:
        """Add the events to the counts; nothing if another does it now."""
        await self._db.all("ends_fold")

    async def forget(self) -> None:
        """Delete the counts of days that nobody is told of any more."""
        await self._db.all("ends_forget", days=KEPT.days)

    async def by_day(self) -> Sequence[Row]:
        """Return ``completed``, ``failed`` and ``cancelled`` of every day, the oldest first."""
        return await self._db.all("ends_by_day", days=KEPT.days)

    async def failed_by_code(self) -> Sequence[Row]:
        """Return the ``number`` of failures by ``code``, the most frequent first."""
        return await self._db.all("ends_failed_by_code", days=FAILURES_KEPT.days)

    async def failed_by_site(self, sites: int) -> Sequence[Row]:
        """Return the ``number`` of failures by ``site`` and ``code``, the worst sites first."""
        return await self._db.all("ends_failed_by_site", days=FAILURES_KEPT.days, sites=sites)
