"""Slots over real Redis: what they count, and how they come back."""

# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false
# redis-py leaves its keywords open.

import asyncio
from datetime import timedelta

import pytest
from redis.asyncio import Redis

from storage.slots import MAX_STREAMS, SlotLimits, Slots, Stream, Verdict
from tests.support.waiting import eventually

LIMITS = SlotLimits(per_node=3, per_user=2)


@pytest.fixture
def slots(redis: Redis) -> Slots:
    return Slots(redis, node="node-a")


async def test_streams_of_one_file_share_a_slot_and_files_do_not(slots: Slots) -> None:
    verdicts = [
        await slots.enter(Stream(1, content, token), LIMITS)
        for content, token in (("7", "a"), ("7", "b"), ("8", "c"), ("9", "d"))
    ]

    assert verdicts == [Verdict.ENTERED, Verdict.ENTERED, Verdict.ENTERED, Verdict.USER_FULL]
    assert await slots.active("node-a") == 2


async def test_the_node_is_full_for_everybody(slots: Slots) -> None:
    verdicts = [await slots.enter(Stream(user, "7", "a"), LIMITS) for user in range(1, 5)]

    assert verdicts == [*[Verdict.ENTERED] * 3, Verdict.NODE_FULL]


async def test_a_user_is_counted_over_all_nodes_and_a_file_once(redis: Redis, slots: Slots) -> None:
    other = Slots(redis, node="node-b")
    await slots.enter(Stream(1, "7", "a"), LIMITS)

    passed_on = await other.enter(Stream(1, "7", "b"), LIMITS)
    second = await other.enter(Stream(1, "8", "c"), LIMITS)
    third = await other.enter(Stream(1, "9", "d"), LIMITS)

    assert (passed_on, second, third) == (Verdict.ENTERED, Verdict.ENTERED, Verdict.USER_FULL)


async def test_a_slot_has_so_many_streams_and_ends_with_the_last(slots: Slots) -> None:
    streams = [Stream(1, "7", str(number)) for number in range(MAX_STREAMS)]
    for stream in streams:
        assert await slots.enter(stream, LIMITS) is Verdict.ENTERED

    assert await slots.enter(Stream(1, "7", "x"), LIMITS) is Verdict.SLOT_FULL
    for stream in streams[1:]:
        await slots.leave(stream)
    assert await slots.active("node-a") == 1
    await slots.leave(streams[0])
    assert await slots.active("node-a") == 0


async def test_what_is_not_renewed_comes_back_and_what_is_renewed_stays(redis: Redis) -> None:
    slots = Slots(redis, node="node-a", lease=timedelta(seconds=0.5))
    kept, lost = Stream(1, "7", "a"), Stream(1, "8", "b")
    for stream in (kept, lost):
        await slots.enter(stream, LIMITS)

    async def only_one() -> bool:
        await slots.renew([kept])
        return await slots.active("node-a") == 1

    await eventually(only_one)
    assert await slots.enter(Stream(1, "9", "c"), LIMITS) is Verdict.ENTERED
    assert await slots.enter(Stream(1, "10", "d"), LIMITS) is Verdict.USER_FULL


async def test_a_renewal_brings_back_what_redis_forgot(redis: Redis, slots: Slots) -> None:
    stream = Stream(1, "7", "a")
    await slots.enter(stream, LIMITS)
    await redis.flushdb()

    await slots.renew([stream])

    assert await slots.active("node-a") == 1


async def test_of_many_that_ask_at_once_no_more_than_the_limit_enter(slots: Slots) -> None:
    asking = [slots.enter(Stream(user, "7", "a"), LIMITS) for user in range(50)]

    verdicts = await asyncio.gather(*asking)

    assert sorted(verdicts) == [*[Verdict.ENTERED] * 3, *[Verdict.NODE_FULL] * 47]


async def test_everything_in_redis_has_an_end(redis: Redis, slots: Slots) -> None:
    await slots.enter(Stream(1, "7", "a"), LIMITS)

    keys = [str(key) async for key in redis.scan_iter("vasset:slots:*")]
    left_ms = [await redis.pttl(key) for key in keys]

    assert len(left_ms) == 3
    assert all(0 < left <= 30_000 for left in left_ms)
