"""Answers and flights on a real Valkey."""

import asyncio
import itertools
from collections.abc import AsyncGenerator
from datetime import timedelta
from typing import Any

import pytest
from redis.asyncio import Redis

from domain.failures import FailureCode
from domain.findings import Entry, Failure, Findings, Format, address_key
from storage.parses import ANY, MAX_BOARDINGS, NONE, WAITING, Parses, Question, Told, Verdict
from storage.redis_door import connect
from tests.support.valkey import Valkey
from tests.support.waiting import eventually

MINUTE = timedelta(minutes=1)
FOUND = Findings(
    title="Title",
    extractor="generic",
    duration_s=1.5,
    thumbnail=None,
    uploader="日本",
    webpage_url="https://video.example/1",
    live=False,
    formats=(Format(format_id="1", height=720),),
    entries=(Entry(url="https://video.example/2", title="Two"),),
)
FAILED = Failure(
    code=FailureCode.RATE_LIMITED, message="Later.", is_final=False, retry_after=MINUTE
)
_numbers = itertools.count()


@pytest.fixture
async def redis(valkey: Valkey) -> AsyncGenerator[Redis]:
    """Keys of our own: workers of other tests take every flight that they can reach."""
    client: Any = connect(valkey.url.removesuffix("/0") + "/6")
    await client.flushdb()
    yield client
    await client.aclose()


@pytest.fixture
def parses(redis: Redis) -> Parses:
    return Parses(redis, deadline=MINUTE, per_user=2)


def question(number: int = 1, user_id: int = 1) -> Question:
    url = f"https://video.example/{number}"
    return Question(url=url, user_id=user_id, new=f"flight-{next(_numbers)}")


async def board(parses: Parses) -> str:
    flight = await parses.board()
    assert flight is not None
    return flight.url


async def test_whoever_asks_while_a_flight_is_under_way_waits_for_that_one(parses: Parses) -> None:
    asked = question()

    told = await asyncio.gather(
        parses.ask(asked, ANY), *(parses.ask(question(user_id=n), ANY) for n in range(2, 9))
    )

    assert {one.verdict for one in told} == {Verdict.FLYING}
    assert {one.flight for one in told} == {asked.new}


@pytest.mark.parametrize("outcome", [FOUND, FAILED])
async def test_an_answer_comes_back_as_it_was_given(
    parses: Parses, outcome: Findings | Failure
) -> None:
    await parses.ask(question(), ANY)
    flight = await parses.board()
    assert flight is not None

    await parses.land(flight, outcome, keep=MINUTE)

    told = await parses.ask(question(user_id=2), ANY)
    assert told == Told(verdict=Verdict.ANSWERED, outcome=outcome)


async def test_only_one_worker_is_given_a_flight(parses: Parses) -> None:
    await parses.ask(question(), ANY)

    given = await asyncio.gather(*(parses.board() for _ in range(3)))

    assert len([flight for flight in given if flight is not None]) == 1


async def test_who_wants_it_new_takes_no_answer_but_of_his_own_flight(parses: Parses) -> None:
    await parses.ask(question(), ANY)
    first = await parses.board()
    assert first is not None
    await parses.land(first, FAILED, keep=MINUTE)

    told = await parses.ask(question(), NONE)
    still = await parses.ask(question(), told.flight)
    second = await parses.board()
    assert second is not None
    await parses.land(second, FOUND, keep=MINUTE)

    assert told.verdict is still.verdict is Verdict.FLYING
    assert told.flight == still.flight != first.name
    assert (await parses.ask(question(), told.flight)).outcome == FOUND


async def test_a_flight_that_nobody_lands_ends_and_another_is_opened(redis: Redis) -> None:
    brief = Parses(redis, deadline=timedelta(milliseconds=50), per_user=1)
    first = await brief.ask(question(), ANY)
    await brief.board()

    async def other() -> bool:
        return (await brief.ask(question(), ANY)).flight != first.flight

    # The share of the user comes back with it: he may have one.
    await eventually(other, what="the end of the flight")


async def test_an_answer_that_comes_too_late_is_kept_and_ends_no_other_flight(
    parses: Parses, redis: Redis
) -> None:
    keys: Any = redis
    await parses.ask(question(), ANY)
    late = await parses.board()
    assert late is not None
    await keys.delete(f"vasset:parse:flight:{address_key(late.url)}")
    second = await parses.ask(question(), NONE)

    await parses.land(late, FOUND, keep=MINUTE)

    assert (await parses.ask(question(), second.flight)).flight == second.flight
    assert (await parses.ask(question(), ANY)).outcome == FOUND


async def test_a_flight_whose_worker_is_silent_is_given_to_another_but_not_to_many(
    redis: Redis,
) -> None:
    brief = Parses(redis, deadline=MINUTE, per_user=1, hold=timedelta(milliseconds=50))
    first = await brief.ask(question(), ANY)

    async def taken() -> str | None:
        await brief.ask(question(), ANY)
        flight = await brief.board()
        return None if flight is None else flight.name

    names = [await eventually(taken, what="the flight") for _ in range(MAX_BOARDINGS)]

    assert names == [first.flight] * MAX_BOARDINGS
    await eventually(lambda: _unheld(redis), what="the last one's death")
    assert await taken() is None


async def test_a_flight_that_is_held_is_given_to_nobody_else(parses: Parses, redis: Redis) -> None:
    keys: Any = redis
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
    parses: Parses, redis: Redis
) -> None:
    keys: Any = redis
    await parses.ask(question(), ANY)
    await keys.lpop(WAITING)

    await parses.ask(question(), ANY)
    await parses.ask(question(), ANY)

    assert await keys.llen(WAITING) == 1
    assert await board(parses) == question().url


async def test_a_hold_of_an_older_flight_holds_no_newer_one(parses: Parses, redis: Redis) -> None:
    keys: Any = redis
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


async def _unheld(redis: Redis) -> bool:
    keys: Any = redis
    return await keys.keys("vasset:parse:hold:*") == []


async def test_a_flight_that_is_given_back_is_the_next(parses: Parses) -> None:
    await parses.ask(question(1), ANY)
    await parses.ask(question(2), ANY)
    flight = await parses.board()
    assert flight is not None

    await parses.give_back(flight)

    assert [await board(parses) for _ in range(2)] == [flight.url, "https://video.example/2"]


async def test_a_user_has_a_share_that_comes_back_with_each_answer(parses: Parses) -> None:
    for number in (1, 2):
        await parses.ask(question(number), ANY)

    full = await parses.ask(question(3), ANY)
    joined = await parses.ask(question(1), ANY)
    other = await parses.ask(question(4, user_id=2), ANY)
    flight = await parses.board()
    assert flight is not None
    await parses.land(flight, FOUND, keep=MINUTE)
    again = await parses.ask(question(3), ANY)

    assert [one.verdict for one in (full, joined, other, again)] == [
        Verdict.USER_FULL,
        Verdict.FLYING,
        Verdict.FLYING,
        Verdict.FLYING,
    ]


async def test_a_text_that_is_no_answer_is_forgotten(parses: Parses, redis: Redis) -> None:
    keys: Any = redis
    key = f"vasset:parse:answer:{address_key(question().url)}"
    await keys.hset(key, mapping={"flight": "somebody", "text": '{"title": 1}'})

    told = await parses.ask(question(), ANY)

    assert told.verdict is Verdict.FLYING
    assert await keys.exists(key) == 0


async def test_those_who_listen_hear_which_address_is_answered(parses: Parses) -> None:
    heard: list[str | None] = []

    async def listen() -> None:
        async for key in parses.landed():
            heard.append(key)  # noqa: PERF401 - it never ends

    listening = asyncio.create_task(listen())
    await eventually(lambda: heard == [None], what="the connection")
    await parses.ask(question(), ANY)
    flight = await parses.board()
    assert flight is not None
    await parses.land(flight, FOUND, keep=MINUTE)

    await eventually(lambda: heard == [None, address_key(question().url)], what="the answer")
    listening.cancel()
    await asyncio.gather(listening, return_exceptions=True)
