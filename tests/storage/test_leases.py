"""Leases and leadership in a real Valkey."""

from collections.abc import AsyncGenerator
from datetime import timedelta

import pytest

from domain.download import ProxyLease
from storage.leases import Leases
from storage.redis_door import connect
from tests.support.valkey import Valkey

TERM = timedelta(minutes=5)


@pytest.fixture
async def leases(valkey: Valkey) -> AsyncGenerator[Leases]:
    redis = connect(valkey.url.removesuffix("/0") + "/7")
    await redis.flushdb()  # pyright: ignore[reportUnknownMemberType] - untyped keywords
    yield Leases(redis)
    await redis.aclose()


async def test_of_two_who_tick_at_once_one_leads(leases: Leases) -> None:
    led = [await leases.lead("expire", TERM) for _ in range(3)]

    assert led == [True, False, False]
    assert await leases.lead("another duty", TERM)


async def test_without_redis_everybody_leads() -> None:
    redis = connect("redis://127.0.0.1:1/0")

    assert await Leases(redis).lead("expire", TERM)
    await redis.aclose()


async def test_what_is_held_is_listed_until_it_is_released(leases: Leases) -> None:
    for history_id in (3, 4):
        await leases.keep(history_id, ProxyLease(url=None, exit_name="direct"))
    await leases.lead("expire", TERM)

    await leases.release(3)

    assert await leases.held() == {4}
