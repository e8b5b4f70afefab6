"""Everything said three times, to two workers of one node: nothing is done twice."""

from collections.abc import Sequence

from domain.states import Stage, Status
from tests.support.site import Site
from tests.support.station import Station

TIMES = 3


def say_everything(station: Station, ids: Sequence[int]) -> None:
    """Send the wake-up of each stage and the hourly tick, three times."""
    for _ in range(TIMES):
        station.tick()
        for history_id in ids:
            for stage in Stage:
                station.wake(stage, history_id)


async def test_every_message_three_times_and_two_sweeps_change_nothing(
    idle_station: Station, site: Site
) -> None:
    for _ in range(2):
        await idle_station.start_worker()
    journal = len(site.journal)
    once = await idle_station.submit(site.clip_url(71))
    await idle_station.ended(once)
    asked_once = len(site.journal) - journal

    ids = [await idle_station.accept_silently(site.clip_url(72 + n)) for n in range(3)]
    say_everything(idle_station, ids)
    rows = [await idle_station.ended(history_id) for history_id in ids]
    say_everything(idle_station, ids)
    last = await idle_station.submit(site.clip_url(76))
    await idle_station.ended(last)

    assert {(row["status"], row["attempts"]) for row in rows} == {(Status.PENDING_CLEANUP, 1)}
    assert [await idle_station.row(history_id) for history_id in ids] == rows
    for history_id in ids:
        runs = await idle_station.services.downloads.runs(history_id)
        assert [(run["stage"], run["outcome"]) for run in runs] == [(s, "done") for s in Stage]
    assert len(site.journal) - journal == asked_once * (len(ids) + 2)
