"""Slots of those who leave in the very moment in which Redis is asked, and of two nodes."""

import asyncio
import itertools
from collections.abc import AsyncGenerator, Iterable

import pytest
from redis.asyncio import Redis
from typing_extensions import override

from storage.redis_door import connect
from storage.slots import SlotLimits, Slots, Stream, Verdict
from tests.support.valkey import Valkey
from tests.support.waiting import eventually
from web.delivery import admission
from web.delivery.admission import Admission

LIMITS = SlotLimits(per_node=2, per_user=1)

# Users and nodes of each test's own, since it shares its Redis with the others.
_numbers = itertools.count(9_000_001)


@pytest.fixture
async def redis(valkey: Valkey) -> AsyncGenerator[Redis]:
    async with connect(valkey.url) as client:
        yield client


def fresh_node() -> str:
    return f"node-{next(_numbers)}"


def fresh_stream(content: str = "film") -> Stream:
    return Stream(next(_numbers), content, "a")


class Mute(Slots):
    """Slots whose answer does not arrive, though Redis has done what it was asked."""

    def __init__(self, redis: Redis, *, node: str) -> None:
        super().__init__(redis, node=node)
        self.has_entered = asyncio.Event()

    @override
    async def enter(self, stream: Stream, limits: SlotLimits) -> Verdict:
        await super().enter(stream, limits)
        self.has_entered.set()
        return await asyncio.get_running_loop().create_future()


async def test_who_leaves_before_redis_has_answered_keeps_no_slot(redis: Redis) -> None:
    node = fresh_node()
    slots = Mute(redis, node=node)
    entering = asyncio.create_task(Admission(slots, LIMITS).enter(next(_numbers), "film"))
    await slots.has_entered.wait()

    entering.cancel()
    await asyncio.wait([entering])

    assert entering.cancelled()
    assert await slots.active(node) == 0


class Overtaken(Slots):
    """Slots in which a stream leaves after it was decided to renew it."""

    admission: Admission
    left: Stream | None = None

    @override
    async def renew(self, streams: Iterable[Stream]) -> None:
        if self.left is None and (found := list(streams)):
            self.left = found[0]
            await self.admission.leave(self.left)
        await super().renew(streams)


async def test_who_leaves_while_leases_are_renewed_keeps_no_slot(
    redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(admission, "RENEW_EVERY_S", 0.01)
    node = fresh_node()
    slots = Overtaken(redis, node=node)
    slots.admission = Admission(slots, LIMITS)

    async def is_free() -> bool:
        return await slots.active(node) == 0

    async with slots.admission.kept_up():
        stream = await slots.admission.enter(next(_numbers), "film")
        await eventually(lambda: slots.left == stream)

        await eventually(is_free)


async def test_a_file_that_one_node_passes_on_for_another_is_one_slot_of_its_user(
    redis: Redis,
) -> None:
    here, there = Slots(redis, node=fresh_node()), Slots(redis, node=fresh_node())
    stream = fresh_stream()

    verdicts = [
        await here.enter(stream, LIMITS),
        await there.enter(stream, LIMITS),
        await there.enter(Stream(stream.user_id, "another", "b"), LIMITS),
    ]

    assert verdicts == [Verdict.ENTERED, Verdict.ENTERED, Verdict.USER_FULL]


async def test_a_file_that_is_passed_on_finds_its_node_full_all_the_same(redis: Redis) -> None:
    here, there = Slots(redis, node=fresh_node()), Slots(redis, node=fresh_node())
    for _ in range(LIMITS.per_node):
        await there.enter(fresh_stream(), LIMITS)
    stream = fresh_stream()

    await here.enter(stream, LIMITS)

    assert await there.enter(stream, LIMITS) is Verdict.NODE_FULL
