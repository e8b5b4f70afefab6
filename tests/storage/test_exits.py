"""How well the exits have worked, in a real PostgreSQL."""

from datetime import timedelta

from storage.db import Db
from storage.exits import ACQUIRED, Exits

NOT_AT_ALL = timedelta(0)
AN_HOUR = timedelta(hours=1)


async def test_an_exit_that_failed_cools_down_and_a_longer_pause_stays(db: Db) -> None:
    exits = Exits(db)
    await exits.blame("a:1", AN_HOUR)
    await exits.blame("a:1", NOT_AT_ALL)
    await exits.praise("b:2")

    assert await exits.avoided() == (frozenset({"a:1"}), frozenset())


async def test_an_exit_that_fails_more_often_than_not_scores_poorly(db: Db) -> None:
    exits = Exits(db)
    for _ in range(4):
        await exits.blame("a:1", NOT_AT_ALL)
    await exits.praise("a:1")
    await exits.praise("b:2")

    shown = {row["exit_name"]: row["score"] for row in await exits.all(10)}

    assert await exits.avoided() == (frozenset(), frozenset({"a:1"}))
    assert shown["a:1"] < 0.5 < shown["b:2"]


async def test_acquisitions_are_counted_with_their_seconds_and_cost(db: Db) -> None:
    exits = Exits(db)
    for _ in range(3):
        await exits.count("http", ACQUIRED, seconds=0.5, cost=0.01)
    await exits.count("http", "http_402", seconds=0.25)

    counts = {row["outcome"]: (row["number"], row["seconds"]) for row in await exits.counts()}

    assert counts == {ACQUIRED: (3, 1.5), "http_402": (1, 0.25)}
    assert round(sum(row["cost"] for row in await exits.counts()), 6) == 0.03
