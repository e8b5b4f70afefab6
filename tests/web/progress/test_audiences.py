"""What the sockets of one user are told, with clients that take messages or do not."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, cast

import pytest

from domain.download import Progress
from domain.events import ProgressEvent, StateEvent
from domain.states import Stage, Status
from storage.db import DatabaseError
from storage.feed import Heard, as_message
from tests.support.waiting import eventually
from tests.web.lines import Line, Rows, Waits
from web.progress import audiences
from web.progress.audiences import Audience
from web.progress.listeners import Listener
from web.progress.outbox import MAX_WAITING
from web.progress.watches import Watch

USER_ID = 1


class Feed:
    """What Redis knows, as far as a test let it be published."""

    def __init__(self) -> None:
        self.number = 100
        self.events: dict[int, Heard] = {}
        self.latest_asked = asyncio.Event()

    async def seq(self, _: int) -> int:
        return self.number

    async def latest(self, history_ids: list[int]) -> dict[int, dict[str, Any]]:
        return {i: self.events[i].message for i in history_ids if i in self.events}

    async def recent(self, _: int, since: int) -> dict[int, Heard] | None:
        return dict(self.events) if 100 <= since <= self.number else None


class Stand:
    """An audience and what it lives on."""

    def __init__(self, *history_ids: int) -> None:
        self.feed, self.rows = Feed(), Rows(*history_ids)
        watch = Watch(
            user_id=USER_ID,
            downloads=cast("Any", self.rows),
            feed=cast("Any", self.feed),
            waits=cast("Any", Waits()),
        )
        self.audience = Audience(watch)

    async def join(self, since: int | None = None) -> tuple[Line, Listener]:
        """Return a client that has been brought up to now."""
        line = Line()
        listener = Listener(line, since)
        line.on_writable = lambda: self.audience.go_on(listener)
        self.audience.join(listener)
        await eventually(lambda: line.heard)
        return line, listener

    def publish(self, event: StateEvent | ProgressEvent) -> None:
        self.feed.number += 1
        heard = Heard(
            seq=self.feed.number,
            user_id=USER_ID,
            history_id=event.history_id,
            message=as_message(event),
        )
        self.feed.events[event.history_id] = heard
        self.audience.hear(heard)

    def end(self, history_id: int) -> None:
        self.rows.rows[history_id]["status"] = int(Status.COMPLETED)
        self.publish(state(history_id, Status.COMPLETED))


@asynccontextmanager
async def standing(*history_ids: int) -> AsyncGenerator[Stand]:
    stand = Stand(*history_ids)
    running = asyncio.create_task(stand.audience.run())
    try:
        yield stand
    finally:
        running.cancel()
        await asyncio.wait([running])


def state(history_id: int, status: Status, attempt: int = 1) -> StateEvent:
    return StateEvent(
        history_id=history_id, user_id=USER_ID, status=status, stage=Stage.FETCH, attempt=attempt
    )


def fetched(history_id: int, percent: float | None, attempt: int = 1) -> ProgressEvent:
    return ProgressEvent(
        history_id=history_id,
        user_id=USER_ID,
        stage=Stage.FETCH,
        attempt=attempt,
        progress=Progress(downloaded_bytes=1, percent=percent),
    )


async def test_a_client_that_takes_nothing_costs_nothing_and_then_hears_how_all_ended() -> None:
    async with standing(1, 2) as stand:
        slow, _ = await stand.join()
        quick, _ = await stand.join()
        slow.takes = False
        for percent in range(50):
            stand.publish(fetched(1, percent))
        stand.end(2)
        await eventually(lambda: "state" in quick.types)
        before = len(slow.heard)

        slow.take_again()

        await eventually(lambda: len(slow.heard) > before and slow.types[-1] == "progress")
        missed = slow.heard[before:]
    assert [(m["type"], m["history_id"]) for m in missed] == [
        ("state", 1),
        ("state", 2),
        ("progress", 1),
    ]
    assert missed[-1]["percent"] == 49
    assert missed[-1]["seq"] == stand.feed.number


async def test_the_percent_never_falls_within_an_attempt_whatever_is_published(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("web.progress.outbox.FIGURES_EVERY_S", 0)
    async with standing(1) as stand:
        line, _ = await stand.join()
        for number, percent in enumerate([10.0, 40.0, 30.0, None, 99.0, 5.0], start=2):
            stand.publish(fetched(1, percent))
            await eventually(lambda number=number: len(line.heard) == number)
        stand.publish(state(1, Status.RUNNING, attempt=2))
        await eventually(lambda: "state" in line.types)
        stand.publish(fetched(1, 98.0, attempt=1))
        stand.publish(fetched(1, 3.0, attempt=2))
        await eventually(lambda: line.heard[-1].get("percent") == 3)

    told = [(m["attempt"], m["percent"]) for m in line.heard if m["type"] == "progress"]
    assert told == [(1, p) for p in (10, 40, 40, None, 99, 99)] + [(2, 3)]


async def test_figures_after_the_end_are_not_told() -> None:
    async with standing(1, 2) as stand:
        line, _ = await stand.join()
        stand.end(1)
        stand.publish(fetched(1, 50.0))
        stand.publish(fetched(2, 60.0))

        await eventually(lambda: "progress" in line.types)
    assert [(m["type"], m.get("history_id")) for m in line.heard[1:]] == [
        ("state", 1),
        ("progress", 2),
    ]


async def test_a_snapshot_for_one_is_told_to_no_other_and_numbers_only_grow() -> None:
    async with standing(1) as stand:
        first, _ = await stand.join()
        stand.publish(fetched(1, 10.0))
        await eventually(lambda: "progress" in first.types)
        second, _ = await stand.join()
        stand.end(1)

        await eventually(lambda: first.types[-1] == second.types[-1] == "state")
    assert first.types == ["snapshot", "progress", "state"]
    assert second.types == ["snapshot", "state"]
    assert second.heard[0]["downloads"][0]["percent"] == 10.0
    for line in (first, second):
        numbers = [message["seq"] for message in line.heard]
        assert numbers == sorted(numbers)


async def test_a_lost_event_is_told_to_who_is_there_when_another_comes() -> None:
    async with standing(1) as stand:
        first, _ = await stand.join()
        stand.rows.rows[1]["stage"] = "checksum"

        await stand.join()

        told = await eventually(lambda: first.heard[1:])
    assert [(m["type"], m["stage"]) for m in told] == [("state", "checksum")]


async def test_more_events_than_may_wait_become_what_the_rows_say() -> None:
    async with standing(1, 2) as stand:
        line, _ = await stand.join()
        stand.rows.rows[2]["status"] = int(Status.COMPLETED)
        for _ in range(MAX_WAITING + 5):
            stand.publish(state(1, Status.RUNNING))
        stand.publish(state(2, Status.COMPLETED))

        await eventually(lambda: line.heard[-1].get("status") == "completed")
    assert len(line.heard) < MAX_WAITING / 10


@pytest.mark.parametrize("fault", [DatabaseError("away"), LookupError("a bug")], ids=repr)
async def test_who_cannot_be_told_is_let_go(fault: Exception) -> None:
    async def broken(*_: object) -> None:
        raise fault

    stand = Stand(1)
    stand.rows.watched = cast("Callable[..., Awaitable[Any]]", broken)  # type: ignore[method-assign]
    listener = Listener(Line())
    running = asyncio.create_task(stand.audience.run())
    stand.audience.join(listener)

    await eventually(lambda: listener.is_failed)

    running.cancel()
    await asyncio.wait([running])
    assert running.cancelled() or running.exception() is fault


async def test_a_slow_look_at_the_rows_makes_no_event_late(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(audiences, "LOOK_EVERY_S", 0.01)
    async with standing(1) as stand:
        line, _ = await stand.join()
        looking = asyncio.Event()

        async def never(*_: object) -> list[dict[str, Any]]:
            looking.set()
            await asyncio.Event().wait()
            return []

        stand.rows.watched = never  # type: ignore[method-assign]
        await asyncio.wait_for(looking.wait(), 30)

        stand.publish(fetched(1, 50.0))

        await eventually(lambda: "progress" in line.types)
