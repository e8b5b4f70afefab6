"""Leases and leadership in a real Valkey."""

from dataclasses import replace
from datetime import timedelta

import pytest
from redis.asyncio import Redis

from domain.download import ProxyLease
from storage.leases import Leases
from storage.redis_door import connect
from tests.support.waiting import eventually

TERM = timedelta(minutes=5)
DIRECT = ProxyLease(url=None, exit_name="direct")
RENTED = ProxyLease(url="http://u:p@a.example:81", exit_name="a.example:81", is_own=True)


@pytest.fixture
def leases(redis: Redis) -> Leases:
    return Leases(redis)


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
        await leases.keep(history_id, DIRECT)
    await leases.lead("expire", TERM)

    taken = [await leases.take(3) for _ in range(2)]

    assert taken == [DIRECT, None]
    assert await leases.held() == {4}


async def test_a_lease_ends_when_its_provider_ends_it(leases: Leases) -> None:
    lease = replace(RENTED, lifetime=timedelta(seconds=1))
    await leases.keep(5, lease)

    kept = await leases.of(5)
    await eventually(lambda: gone(leases, 5), what="the end of the lease")

    assert kept == replace(lease, lifetime=None)


async def test_a_site_keeps_its_lease_until_it_is_told_not_to(leases: Leases) -> None:
    await leases.keep_for_site("video.example", replace(RENTED, is_sticky=True))

    kept = await leases.of_site("video.example")
    await leases.forget_site("video.example")

    assert kept == replace(RENTED, is_sticky=True)
    assert await leases.of_site("video.example") is None


async def gone(leases: Leases, history_id: int) -> bool:
    return await leases.of(history_id) is None
