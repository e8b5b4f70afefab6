"""Everything said three times, to three workers of one node: nothing is done twice."""

import asyncio
from collections.abc import Sequence

from domain.states import Stage, Status
from tests.support.site import Site
from tests.support.station import Station
from tests.support.waiting import eventually

TIMES = 3


def say_everything(station: Station, ids: Sequence[int]) -> None:
    """Send the wake-up of each stage and the hourly tick, three times."""
    for _ in range(TIMES):
        station.tick()
        for history_id in ids:
            for stage in Stage:
                station.wake(stage, history_id)


async def test_every_message_three_times_and_three_sweeps_change_nothing(
    idle_station: Station, site: Site
) -> None:
    first = await idle_station.start_worker()
    once = await idle_station.submit(site.clip_url(71))
    await idle_station.ended(once)
    asked_once = len(site.requests_for("/clips/71.mp4"))

    urls = [site.held_url(72 + n) for n in range(2)]
    ids = [await idle_station.accept_silently(url) for url in urls]
    say_everything(idle_station, ids)
    await eventually(lambda: len(first.lines("fetch_started")) == 1 + len(ids))
    # Each sweeps as soon as it has started, here while the first one fetches.
    others = await asyncio.gather(*(idle_station.start_worker() for _ in range(2)))
    say_everything(idle_station, ids)
    running = [await idle_station.row(history_id) for history_id in ids]
    for url in urls:
        site.hurry(url)
    rows = [await idle_station.ended(history_id) for history_id in ids]
    say_everything(idle_station, ids)
    last = await idle_station.submit(site.clip_url(76))
    await idle_station.ended(last)

    assert {(row["status"], row["stage"]) for row in running} == {(Status.RUNNING, Stage.FETCH)}
    assert not any(other.lines("download_taken_back") for other in others)
    assert {(row["status"], row["attempts"]) for row in rows} == {(Status.PENDING_CLEANUP, 1)}
    assert [await idle_station.row(history_id) for history_id in ids] == rows
    for history_id in ids:
        runs = await idle_station.services.downloads.runs(history_id)
        assert [(run["stage"], run["outcome"]) for run in runs] == [(s, "done") for s in Stage]
    for number in (72, 73, 76):
        assert len(site.requests_for(f"/clips/{number}.mp4")) == asked_once
