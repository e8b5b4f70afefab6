"""The hold of a worker on its flight, and what comes of a flight that nobody holds."""

from datetime import timedelta
from typing import Any

from redis.asyncio import Redis

from storage.parses import ANY, MAX_BOARDINGS, NONE, WAITING, Parses
from tests.storage.flights import FAILED, MINUTE, board, question
from tests.support.waiting import eventually


async def test_a_flight_whose_worker_is_silent_is_given_to_another_but_not_to_many(
    flying: Redis,
) -> None:
    brief = Parses(flying, deadline=MINUTE, per_user=1, hold=timedelta(milliseconds=50))
    first = await brief.ask(question(), ANY)

    async def taken() -> str | None:
        await brief.ask(question(), ANY)
        flight = await brief.board()
        return None if flight is None else flight.name

    names = [await eventually(taken, what="the flight") for _ in range(MAX_BOARDINGS)]

    assert names == [first.flight] * MAX_BOARDINGS
    await eventually(lambda: _unheld(flying), what="the last one's death")
    assert await taken() is None


async def test_a_flight_that_is_held_is_given_to_nobody_else(parses: Parses, flying: Redis) -> None:
    keys: Any = flying
    await parses.ask(question(), ANY)
    flight = await parses.board()
    assert flight is not None
    (hold,) = await keys.keys("vasset:parse:hold:*")
    await keys.pexpire(hold, 1_000)

    await parses.hold(flight)
    await parses.ask(question(), ANY)

    assert await keys.pttl(hold) > 1_000
    assert await keys.llen(WAITING) == 0


async def test_a_flight_that_a_dying_worker_took_from_the_list_is_listed_again(
    parses: Parses, flying: Redis
) -> None:
    keys: Any = flying
    await parses.ask(question(), ANY)
    await keys.lpop(WAITING)

    await parses.ask(question(), ANY)
    await parses.ask(question(), ANY)

    assert await keys.llen(WAITING) == 1
    assert await board(parses) == question().url


async def test_a_hold_of_an_older_flight_holds_no_newer_one(parses: Parses, flying: Redis) -> None:
    keys: Any = flying
    await parses.ask(question(), ANY)
    old = await parses.board()
    assert old is not None
    await parses.land(old, FAILED, keep=MINUTE)
    await parses.ask(question(), NONE)
    await parses.board()
    (hold,) = await keys.keys("vasset:parse:hold:*")
    await keys.pexpire(hold, 1_000)

    await parses.hold(old)

    assert await keys.pttl(hold) <= 1_000


async def _unheld(flying: Redis) -> bool:
    keys: Any = flying
    return await keys.keys("vasset:parse:hold:*") == []
