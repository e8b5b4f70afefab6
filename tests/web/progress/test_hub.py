import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any, cast

import pytest
from redis.exceptions import ConnectionError as RedisAwayError

from storage.feed import Heard
from tests.support.waiting import eventually
from tests.web.lines import Line, Rows, Waits
from web.progress import hub as hubs
from web.progress.hub import Hub, TooManySocketsError


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

    async def seq(self, _: int) -> int:
        return 0

    async def latest(self, _: list[int]) -> dict[int, dict[str, Any]]:
        return {}

    async def recent(self, _user_id: int, _since: int) -> None:
        return None


def event(user_id: int) -> Heard:
    message = {
        "type": "state",
        "history_id": 1,
        "status": "running",
        "status_code": 5,
        "stage": "fetch",
        "attempt": 1,
    }
    return Heard(seq=1, user_id=user_id, history_id=1, message=message)


def hub_over(feed: Feed) -> Hub:
    return Hub(cast("Any", feed), cast("Any", Rows(1)), cast("Any", Waits()))


def watch(hub: Hub, user_id: int, line: Line) -> Any:  # noqa: ANN401 - as the hub gives it
    return hub.watch(user_id, cast("Any", line))


@asynccontextmanager
async def listening(feed: Feed) -> AsyncGenerator[Hub]:
    hub = hub_over(feed)
    hub.start()
    try:
        yield hub
    finally:
        await hub.close()


async def test_an_event_reaches_every_socket_of_its_user_and_no_other() -> None:
    feed, one, two, other = Feed(), Line(), Line(), Line()
    async with (
        listening(feed) as hub,
        watch(hub, 1, one),
        watch(hub, 1, two),
        watch(hub, 2, other),
    ):
        await eventually(lambda: one.heard and two.heard and other.heard)
        feed.said.put_nowait(event(1))

        await eventually(lambda: one.types == two.types == ["snapshot", "state"])
    assert other.types == ["snapshot"]


async def test_after_a_break_every_socket_tells_everything_anew(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(hubs, "LONGEST_BACKOFF_S", 0.1)
    feed, line = Feed(), Line()
    async with listening(feed) as hub, watch(hub, 1, line):
        await eventually(lambda: line.types == ["snapshot"])
        for said in (RedisAwayError(), RedisAwayError(), None):
            feed.said.put_nowait(said)

        await eventually(lambda: line.types == ["snapshot", "snapshot"])


async def test_a_socket_that_has_ended_makes_room() -> None:
    hub = hub_over(Feed())

    for _ in range(20):
        async with watch(hub, 1, Line()):
            assert len(hub) == 1

    async with AsyncExitStack() as stack:
        for _ in range(10):
            await stack.enter_async_context(watch(hub, 1, Line()))
        with pytest.raises(TooManySocketsError):
            await stack.enter_async_context(watch(hub, 1, Line()))
        assert len(hub) == 10
    assert len(hub) == 0
