"""Who is asked for a proxy: the list in its turns, a provider only while it seems to work."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from domain.download import ProxyLease
from domain.failures import ProxyUnavailableError
from gateways.proxies.circuit import FAILURES_TO_OPEN, OPEN_FOR, Circuit
from gateways.proxies.provider import Need
from gateways.proxies.static import StaticList

NEED = Need(history_id=7, site="video.example")
LEASE = ProxyLease(url="http://a:1", exit_name="a:1")


class Script:
    """A provider that fails as long as it is told to.

    Attributes:
        asked: How often it was asked.
        pause: What it asks for when it fails.
        gate: It answers only once this is set.
    """

    def __init__(self) -> None:
        self.asked = 0
        self.fails = True
        self.pause: timedelta | None = None
        self.gate = asyncio.Event()
        self.gate.set()

    async def acquire(self, need: Need) -> ProxyLease:
        del need
        self.asked += 1
        await self.gate.wait()
        if self.fails:
            raise ProxyUnavailableError(retry_after=self.pause, reason="http_402")
        return LEASE

    def standing(self, exit_name: str) -> ProxyLease | None:
        del exit_name

    async def release(self, lease: ProxyLease, history_id: int) -> None:
        del lease, history_id

    async def drain(self) -> None:
        return

    async def close(self) -> None:
        pass


async def failed(circuit: Circuit) -> ProxyUnavailableError:
    with pytest.raises(ProxyUnavailableError) as refused:
        await circuit.acquire(NEED)
    return refused.value


async def test_a_list_is_taken_in_turn() -> None:
    provider = StaticList(["http://a:1", "socks5://b:2"])

    leases = [await provider.acquire(NEED) for _ in range(3)]

    assert [lease.exit_name for lease in leases] == ["a:1", "b:2", "a:1"]
    assert all(lease.is_own for lease in leases)


async def test_of_a_list_those_that_failed_are_left_out_and_the_poor_come_last() -> None:
    provider = StaticList(["http://a:1", "http://b:2", "http://c:3"])
    need = replace(NEED, cooling=frozenset({"a:1"}), poor=frozenset({"b:2"}))

    exits = [(await provider.acquire(need)).exit_name for _ in range(2)]

    assert exits == ["c:3", "c:3"]
    with pytest.raises(ProxyUnavailableError):
        await provider.acquire(replace(NEED, cooling=frozenset({"a:1", "b:2", "c:3"})))


def test_an_empty_list_stops_the_start() -> None:
    with pytest.raises(ValueError, match=r"proxy\.list is empty"):
        StaticList([])


async def test_who_fails_again_and_again_is_left_alone_then_tried_by_one() -> None:
    now = 0.0
    script = Script()
    circuit = Circuit(script, lambda: now)

    errors = [await failed(circuit) for _ in range(FAILURES_TO_OPEN + 3)]
    asked = script.asked
    now = OPEN_FOR.total_seconds() + 1
    script.gate.clear()
    trial = asyncio.create_task(failed(circuit))
    await asyncio.sleep(0)
    others = [await failed(circuit) for _ in range(3)]
    script.gate.set()
    await trial

    assert asked == FAILURES_TO_OPEN
    assert [error.reason for error in errors[-3:]] == ["circuit_open"] * 3
    assert errors[FAILURES_TO_OPEN - 1].retry_after == OPEN_FOR
    assert [error.reason for error in others] == ["circuit_open"] * 3
    assert script.asked == asked + 1


async def test_who_works_again_is_asked_by_all_again() -> None:
    now = 0.0
    script = Script()
    circuit = Circuit(script, lambda: now)
    for _ in range(FAILURES_TO_OPEN):
        await failed(circuit)

    now = OPEN_FOR.total_seconds() + 1
    script.fails = False
    leases = [await circuit.acquire(NEED) for _ in range(3)]

    assert leases == [LEASE] * 3


async def test_who_asks_for_a_pause_is_asked_by_nobody_in_it() -> None:
    now = 0.0
    script = Script()
    script.pause = timedelta(seconds=3)
    circuit = Circuit(script, lambda: now)
    await failed(circuit)

    now = 2.0
    refused = await failed(circuit)

    assert (script.asked, refused.reason) == (1, "circuit_open")
    assert refused.retry_after == timedelta(seconds=1)
