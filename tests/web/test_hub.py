import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, cast

import pytest
from redis.exceptions import ConnectionError as RedisAwayError

from storage.feed import Heard
from tests.support.waiting import eventually
from web import hub as hubs
from web.hub import Hub, TooManySocketsError


class Feed:
    """A feed that says what a test says, and breaks when it says so."""

    def __init__(self) -> None:
        self.said: asyncio.Queue[Heard | Exception | None] = asyncio.Queue()

    async def listen(self) -> AsyncIterator[Heard | None]:
        while True:
            said = await self.said.get()
            if isinstance(said, Exception):
                raise said
            yield said


def event(user_id: int) -> Heard:
    return Heard(seq=1, user_id=user_id, history_id=1, message={"type": "state"})


@asynccontextmanager
async def listening(feed: Feed) -> AsyncGenerator[Hub]:
    hub = Hub(cast("Any", feed))
    hub.start()
    try:
        yield hub
    finally:
        await hub.close()


async def test_an_event_reaches_every_outbox_of_its_user_and_no_other() -> None:
    feed = Feed()
    async with listening(feed) as hub:
        with hub.watch(1) as one, hub.watch(1) as two, hub.watch(2) as other:
            feed.said.put_nowait(event(1))

            await eventually(lambda: one.has_state(1) and two.has_state(1))
            assert not other.has_state(1)


async def test_after_a_break_every_socket_tells_everything_anew(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(hubs, "LONGEST_BACKOFF_S", 0.1)
    feed = Feed()
    async with listening(feed) as hub:
        with hub.watch(1) as outbox:
            assert await outbox.next() is None
            for said in (RedisAwayError(), RedisAwayError(), None):
                feed.said.put_nowait(said)

            assert await asyncio.wait_for(outbox.next(), 2) is None


async def test_a_socket_that_has_ended_makes_room() -> None:
    hub = Hub(cast("Any", Feed()))

    for _ in range(20):
        with hub.watch(1):
            pass

    watches = [hub.watch(1) for _ in range(11)]
    for watch in watches[:10]:
        watch.__enter__()
    with pytest.raises(TooManySocketsError):
        watches[10].__enter__()
