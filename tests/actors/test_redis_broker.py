"""The broker on Valkey: it waits in it, and loses and reorders nothing by that."""

# pyright: reportUnknownMemberType=false, reportUnknownArgumentType=false
# dramatiq leaves the type of a message's result open.

import asyncio
from collections.abc import Iterator
from typing import Any, cast

import dramatiq
import pytest
import redis
from dramatiq.brokers.redis import RedisBroker
from dramatiq.common import current_millis, dq_name
from dramatiq.errors import ConnectionClosed

from actors.broker import open_broker
from tests.support.valkey import Valkey

QUEUE = "somewhere"


@pytest.fixture
def server() -> Iterator[Valkey]:
    with Valkey() as server:
        yield server


def message(number: int) -> "dramatiq.Message[Any]":
    return dramatiq.Message(
        queue_name=QUEUE, actor_name="act", args=(number,), kwargs={}, options={}
    )


def consumer_of(server: Valkey, queue: str = QUEUE) -> Any:  # noqa: ANN401 - dramatiq's own
    return open_broker(server.url).consume(queue, prefetch=10, timeout=50)


def received(consumer: Any, count: int) -> list[Any]:  # noqa: ANN401 - dramatiq's own
    """Return so many messages, asked for as the worker does."""
    found: list[Any] = []
    while len(found) < count:
        one = next(consumer)
        if one is not None:
            found.append(one)
    return found


def calls(server: Valkey, command: str) -> int:
    client: Any = redis.Redis.from_url(server.url)  # pyright: ignore[reportUnknownMemberType]
    stats = cast("dict[str, dict[str, int]]", client.info("commandstats"))
    client.close()
    return stats.get(f"cmdstat_{command}", {"calls": 0})["calls"]


def test_who_waits_for_a_message_asks_for_none(server: Valkey) -> None:
    consumer = consumer_of(server)
    assert next(consumer) is None
    asked = calls(server, "lpop")

    idle = [next(consumer) for _ in range(2)]

    assert idle == [None, None]
    assert calls(server, "lpop") == asked
    assert calls(server, "blmove") == 2


async def test_who_enqueues_need_not_know_of_who_waits(server: Valkey) -> None:
    consumer = consumer_of(server)
    stock = RedisBroker(url=server.url)
    waiting = asyncio.create_task(asyncio.to_thread(received, consumer, 3))

    for number in range(3):
        await asyncio.to_thread(stock.enqueue, message(number))
    found = await waiting
    stock.close()

    assert [one.args for one in found] == [(0,), (1,), (2,)]


async def test_of_several_who_wait_each_message_reaches_one(server: Valkey) -> None:
    broker = open_broker(server.url)
    consumers = [consumer_of(server) for _ in range(3)]
    waiting = [asyncio.create_task(asyncio.to_thread(drained, one)) for one in consumers]

    for number in range(30):
        await asyncio.to_thread(broker.enqueue, message(number))
    found = await asyncio.gather(*waiting)

    assert sorted(number for part in found for number in part) == list(range(30))


def drained(consumer: Any) -> list[int]:  # noqa: ANN401 - dramatiq's own
    """Return what comes, acknowledged, until nothing has come for some waits."""
    found: list[int] = []
    silent = 0
    while silent < 4:
        one = next(consumer)
        silent = silent + 1 if one is None else 0
        if one is not None:
            found.append(one.args[0])
            consumer.ack(one)
    return found


def test_who_has_a_delayed_message_comes_back_for_it_without_asking_again_and_again(
    server: Valkey,
) -> None:
    open_broker(server.url).enqueue(message(1), delay=300)
    consumer = consumer_of(server, dq_name(QUEUE))
    [delayed] = received(consumer, 1)
    waits = 0

    while current_millis() < delayed.options["eta"]:
        assert next(consumer) is None
        waits += 1

    assert 1 <= waits <= 30, "it either never came back or asked again and again"


async def test_a_server_that_dies_ends_the_wait(server: Valkey) -> None:
    consumer = consumer_of(server)
    assert next(consumer) is None
    waiting = asyncio.create_task(asyncio.to_thread(received, consumer, 1))

    await asyncio.to_thread(server.kill)

    with pytest.raises(ConnectionClosed):
        await waiting
