"""Answers and flights on a real Valkey."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from redis.asyncio import Redis

from domain.findings import Failure, Findings, address_key
from storage.parses import ANY, NONE, Parses, Told, Verdict
from tests.storage.flights import FAILED, FOUND, MINUTE, board, question
from tests.support.waiting import eventually


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


async def test_a_flight_that_nobody_lands_ends_and_another_is_opened(flying: Redis) -> None:
    brief = Parses(flying, deadline=timedelta(milliseconds=50), per_user=1)
    first = await brief.ask(question(), ANY)
    await brief.board()

    async def other() -> bool:
        return (await brief.ask(question(), ANY)).flight != first.flight

    # The share of the user comes back with it: he may have one.
    await eventually(other, what="the end of the flight")


async def test_an_answer_that_comes_too_late_is_kept_and_ends_no_other_flight(
    parses: Parses, flying: Redis
) -> None:
    keys: Any = flying
    await parses.ask(question(), ANY)
    late = await parses.board()
    assert late is not None
    await keys.delete(f"vasset:parse:flight:{address_key(late.url)}")
    second = await parses.ask(question(), NONE)

    await parses.land(late, FOUND, keep=MINUTE)

    assert (await parses.ask(question(), second.flight)).flight == second.flight
    assert (await parses.ask(question(), ANY)).outcome == FOUND


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


async def test_a_text_that_is_no_answer_is_forgotten(parses: Parses, flying: Redis) -> None:
    keys: Any = flying
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
