"""The counters of the metrics: what happened, how often, since the database was made."""

from collections.abc import Sequence
from enum import StrEnum

from storage.db import Db, Row


class Counter(StrEnum):
    """What is counted, with its labels; most is by the statement or trigger that does it."""

    DOWNLOADS = "downloads"
    """Ends, by the number of the status, the mode and the code."""
    DOWNLOAD_BYTES = "download_bytes"
    STAGE_SECONDS = "stage_seconds"
    """Runs and their seconds, by the stage and the upper bound of the bucket."""
    STAGE_RETRIES = "stage_retries"
    """By the stage and the code."""
    SWEEP_RECOVERED = "sweep_recovered"
    """By the kind."""
    CLEANUP_DELETED = "cleanup_deleted"
    """By the node."""
    CLEANUP_FAILURES = "cleanup_failures"
    """By the node."""


class Recovery(StrEnum):
    """What a sweep puts right."""

    TAKEN_BACK = "taken_back"
    COMPLETE = "complete"
    CANCELLED = "cancelled"
    WOKEN = "woken"
    STAGING = "staging"
    LEASE = "lease"


class Counters:
    """The rows of ``counters`` and of ``counter_events``, which are still to be added to them."""

    def __init__(self, db: Db) -> None:
        self._db = db

    async def add(self, counter: Counter, *labels: str, number: int = 1) -> None:
        """Count what no statement of its own writes down."""
        values = {"counter": counter.value, "labels": list(labels), "number": number}
        await self._db.one("counters_add", **values)

    async def fold(self) -> None:
        """Add the events to the totals; nothing if another does it now."""
        await self._db.all("counters_fold")

    async def all(self) -> Sequence[Row]:
        """Return of each counter and its labels ``number``, and ``amount`` of what is measured."""
        return await self._db.all("counters_all")

    async def stage_bounds(self) -> Sequence[float]:
        """Return the upper bounds of the histogram of stages, in seconds, without infinity."""
        row = await self._db.one("counters_stage_bounds")
        return [] if row is None else row["bounds"]
