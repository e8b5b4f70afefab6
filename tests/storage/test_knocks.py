"""Knocks: the same in Redis as in one process."""

# pyright: reportUnknownMemberType=false
# redis-py leaves its keywords open.

import asyncio
import itertools
from typing import Protocol

import pytest
from redis.asyncio import Redis

from storage import knocks as module
from storage.knocks import MAX_FAMILIAR, WINDOW_S, Count, Entry, Knock, Knocks, LocalKnocks
from tests.support.waiting import eventually

_tokens = itertools.count(1)
PAIR, NETWORK, ACCOUNT = 3, 6, 8


class Counting(Protocol):
    async def enter(self, knock: Knock) -> Entry: ...
    async def take_back(self, knock: Knock) -> None: ...
    async def welcome(self, knock: Knock) -> None: ...


class Alone:
    """A process's own counts, all at one moment."""

    def __init__(self) -> None:
        self._knocks = LocalKnocks()
        self.now = 1_000.0

    async def enter(self, knock: Knock) -> Entry:
        return self._knocks.enter(knock, self.now)

    async def take_back(self, knock: Knock) -> None:
        self._knocks.take_back(knock)

    async def welcome(self, knock: Knock) -> None:
        self._knocks.welcome(knock, self.now)


@pytest.fixture(params=["redis", "alone"])
def counting(request: pytest.FixtureRequest, redis: Redis) -> Counting:
    return Knocks(redis) if request.param == "redis" else Alone()


def knock(network: str = "here", account: str = "ada") -> Knock:
    return Knock(
        token=str(next(_tokens)),
        counts=(
            Count(f"k:{account}:{network}", PAIR),
            Count(f"k:{network}", NETWORK),
            Count(f"k:{account}", ACCOUNT),
        ),
        account=f"k:{account}:familiar",
        network=network,
    )


async def let_in(counting: Counting, *knocks: Knock) -> int:
    return [(await counting.enter(one)).wait_s for one in knocks].count(0)


async def test_an_account_is_tried_so_often_from_one_network(counting: Counting) -> None:
    assert await let_in(counting, *(knock() for _ in range(9))) == PAIR
    assert await let_in(counting, knock("there")) == 1
    assert await let_in(counting, knock(account="bob")) == 1


async def test_a_network_tries_so_many_accounts(counting: Counting) -> None:
    spraying = [knock(account=f"user{number}") for number in range(20)]

    assert await let_in(counting, *spraying) == NETWORK


async def test_an_account_is_tried_so_often_by_all_strangers(counting: Counting) -> None:
    hammering = [knock(f"net{number % 9}") for number in range(27)]

    assert await let_in(counting, *hammering) == ACCOUNT


async def test_who_is_familiar_is_not_held_up_by_strangers_or_neighbours(
    counting: Counting,
) -> None:
    await counting.welcome(knock("home"))
    await let_in(counting, *(knock(f"net{number}") for number in range(9)))
    await let_in(counting, *(knock("home", f"user{number}") for number in range(9)))

    assert (await counting.enter(knock("new"))).wait_s > 0
    assert (await counting.enter(knock("home", "bob"))).wait_s > 0
    assert await let_in(counting, *(knock("home") for _ in range(9))) == PAIR


async def test_what_is_right_or_taken_back_counts_no_more(counting: Counting) -> None:
    for _ in range(20):
        mistaken, right = knock(), knock("there")
        assert await let_in(counting, mistaken, right) == 2
        await counting.take_back(mistaken)
        await counting.welcome(right)


async def test_a_refusal_says_how_long_and_counts_nothing(counting: Counting) -> None:
    await let_in(counting, *(knock() for _ in range(PAIR)))

    waits = [(await counting.enter(knock())).wait_s for _ in range(20)]

    assert all(WINDOW_S - 5 < wait <= WINDOW_S for wait in waits)
    # Of the network's six three are left.
    assert await let_in(counting, *(knock(account=f"u{n}") for n in range(9))) == NETWORK - PAIR


async def test_the_networks_used_last_stay_familiar(counting: Counting) -> None:
    for number in range(MAX_FAMILIAR + 1):
        await counting.welcome(knock(f"net{number:02}"))
    await let_in(counting, *(knock(f"stranger{number}") for number in range(ACCOUNT)))

    assert (await counting.enter(knock("net20"))).wait_s == 0
    assert (await counting.enter(knock("net00"))).wait_s > 0


async def test_many_at_once_are_counted_one_by_one(redis: Redis) -> None:
    counting = Knocks(redis)

    entries = await asyncio.gather(*(counting.enter(knock()) for _ in range(30)))

    assert [entry.wait_s for entry in entries].count(0) == PAIR


async def test_after_a_minute_all_is_forgotten() -> None:
    counting = Alone()
    await let_in(counting, *(knock() for _ in range(PAIR)))

    counting.now += WINDOW_S + 0.1

    assert (await counting.enter(knock())).wait_s == 0


async def test_after_the_window_redis_lets_in_again(
    redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "WINDOW_S", 0.2)
    counting = Knocks(redis)
    await let_in(counting, *(knock() for _ in range(PAIR)))

    async def is_let_in() -> bool:
        return (await counting.enter(knock())).wait_s == 0

    await eventually(is_let_in)


async def test_every_key_ends(redis: Redis) -> None:
    counting = Knocks(redis)
    await counting.enter(knock())
    await counting.welcome(knock())

    keys: list[str] = [str(key) async for key in redis.scan_iter("k:*")]  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType] - see above

    assert len(keys) == 4
    assert all([await redis.pttl(key) > 0 for key in keys])


async def test_a_network_is_known_once_the_password_was_right_from_there(
    counting: Counting,
) -> None:
    first = await counting.enter(knock("home"))
    await counting.welcome(knock("home"))

    again, elsewhere = await counting.enter(knock("home")), await counting.enter(knock("cafe"))

    assert [one.is_familiar for one in (first, again, elsewhere)] == [False, True, False]
