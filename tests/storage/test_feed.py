"""The feed, on a real Valkey."""

# pyright: reportUnknownMemberType=false
# redis-py is not fully typed.

import asyncio
from collections.abc import AsyncGenerator

import pytest
from redis.asyncio import Redis

from domain.download import Progress
from domain.events import ProgressEvent, StateEvent
from domain.states import Stage, Status
from storage import feed as feeds
from storage.feed import Ended, Feed, Heard
from storage.redis_door import connect
from tests.support.valkey import Valkey
from tests.support.waiting import eventually


@pytest.fixture
async def redis(valkey: Valkey) -> AsyncGenerator[Redis]:
    client = connect(valkey.url)
    await client.flushall()
    yield client
    await client.aclose()


def running(history_id: int = 7, user_id: int = 3) -> StateEvent:
    return StateEvent(
        history_id=history_id,
        user_id=user_id,
        status=Status.RUNNING,
        stage=Stage.FETCH,
        attempt=1,
    )


def fetched(downloaded_bytes: int) -> ProgressEvent:
    return ProgressEvent(
        history_id=7,
        user_id=3,
        stage=Stage.FETCH,
        attempt=1,
        progress=Progress(downloaded_bytes=downloaded_bytes),
    )


async def test_events_are_numbered_for_each_user(redis: Redis) -> None:
    feed = Feed(redis)

    await feed.publish(running())
    first = await feed.seq(3)
    for event in (running(), running(user_id=4)):
        await feed.publish(event)

    assert await feed.seq(3) == first + 1
    assert await feed.seq(4) > first
    assert await feed.seq(5) == 0


async def test_a_number_that_redis_forgot_is_never_given_again(redis: Redis) -> None:
    feed = Feed(redis)
    for _ in range(50):
        await feed.publish(running())
    before = await feed.seq(3)

    await redis.flushall()
    await feed.publish(running())

    assert before < await feed.seq(3) < 2**53


async def test_the_last_event_of_each_download_is_known_from_a_number_on(redis: Redis) -> None:
    feed = Feed(redis)
    await feed.publish(running(history_id=7))
    await feed.publish(running(history_id=8))
    await feed.publish(fetched(10))
    last = await feed.seq(3)

    recent = await feed.recent(3, last)

    assert recent is not None
    assert {history_id: heard.seq for history_id, heard in recent.items()} == {
        7: last,
        8: last - 1,
    }
    assert recent[7].message["downloaded_bytes"] == 10


async def test_nothing_is_known_after_a_number_that_is_too_old_or_never_was(
    redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feeds, "MAX_RECENT", 2)
    feed = Feed(redis)
    for history_id in (7, 8, 9):
        await feed.publish(running(history_id=history_id))
    last = await feed.seq(3)

    await feed.publish(running(history_id=9))
    known = [await feed.recent(3, last + more) is not None for more in range(-3, 3)]
    await redis.flushall()

    # The event of 7, the second last but one, is forgotten.
    assert known == [False, True, True, True, True, False]
    assert await feed.recent(3, last) is None


async def test_the_latest_message_of_each_download_is_kept(redis: Redis) -> None:
    feed = Feed(redis)
    await feed.publish(running())
    await feed.publish(fetched(10))

    latest = await feed.latest([7, 8])

    assert latest.keys() == {7}
    assert latest[7]["downloaded_bytes"] == 10
    assert latest[7]["total_bytes"] is None


async def test_a_listener_is_told_of_its_connection_and_then_hears_everything(
    redis: Redis,
) -> None:
    feed, heard = Feed(redis), list[Heard | Ended | None]()

    async def listen() -> None:
        async for event in feed.listen():
            heard.append(event)

    listener = asyncio.create_task(listen())
    await eventually(lambda: heard)
    await redis.publish("vasset:events", "not ours")
    await feed.publish(running())
    await redis.publish("vasset:ended", "not ours")
    await feed.tell_ended(3)
    await eventually(lambda: len(heard) == 3)
    listener.cancel()

    assert heard[0] is None
    assert isinstance(heard[1], Heard)
    assert (heard[1].seq, heard[1].user_id) == (await feed.seq(3), 3)
    assert heard[1].history_id == 7
    assert heard[1].message["status"] == "running"
    assert heard[2] == Ended(3)


async def test_a_feed_without_its_server_is_silent() -> None:
    gone = connect("redis://127.0.0.1:1/0")
    feed = Feed(gone)

    assert not await feed.publish(running())
    assert await feed.seq(3) == 0
    assert await feed.latest([7]) == {}
    assert await feed.recent(3, 1) is None
    await feed.wish_cancelled(7)
    await feed.tell_ended(3)
    await gone.aclose()
