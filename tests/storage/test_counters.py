"""The counters: nothing is counted twice or lost while they are folded."""

import asyncio
from urllib.parse import urlsplit

from storage.counters import Counter, Counters, Recovery
from storage.db import Db
from tests.support.postgres import Postgres


async def total(counters: Counters) -> int:
    return sum(row["number"] for row in await counters.all())


async def test_events_are_counted_before_and_after_they_are_folded(
    db: Db, postgres: Postgres, database_url: str
) -> None:
    counters = Counters(db)
    await counters.add(Counter.SWEEP_RECOVERED, Recovery.LEASE)
    await counters.add(Counter.SWEEP_RECOVERED, Recovery.LEASE, number=4)
    await counters.add(Counter.CLEANUP_FAILURES, "node-a")
    before = [dict(row) for row in await counters.all()]

    await counters.fold()
    await counters.fold()

    assert [dict(row) for row in await counters.all()] == before
    assert [(row["counter"], row["labels"], row["number"]) for row in before] == [
        ("cleanup_failures", ["node-a"], 1),
        ("sweep_recovered", ["lease"], 5),
    ]
    name = urlsplit(database_url).path[1:]
    assert postgres.run_sql("SELECT count(*) FROM counter_events", database=name) == "0"


async def test_no_count_is_lost_or_falls_while_many_add_and_fold(db: Db, other_db: Db) -> None:
    counters, others = Counters(db), Counters(other_db)

    async def add(kind: Recovery) -> None:
        for _ in range(40):
            await others.add(Counter.SWEEP_RECOVERED, kind)

    async def fold(own: Counters) -> list[int]:
        seen: list[int] = []
        for _ in range(25):
            await own.fold()
            seen.append(await total(own))
        return seen

    adding = asyncio.gather(*(add(kind) for kind in Recovery))
    seen, seen_by_others = await asyncio.gather(fold(counters), fold(others))
    await adding

    assert await total(counters) == 40 * len(Recovery)
    assert seen == sorted(seen)
    assert seen_by_others == sorted(seen_by_others)
