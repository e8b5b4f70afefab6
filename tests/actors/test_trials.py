"""A poison and its neighbours: who took a worker down is found out by a trial, alone."""

import signal
from contextlib import suppress

import psutil

from domain.states import Mode, Status
from tests.support.site import Site
from tests.support.station import Station, Worker
from tests.support.waiting import eventually

A_MINUTE_LATER = (
    "UPDATE download_history SET claim_until = claim_until - interval '61 s',"
    " woken_at = woken_at - interval '5 min' WHERE status = 5"
)
NEXT_PLEASE = "UPDATE download_history SET trial_until = now()"


def trial_of(worker: Worker, history_id: int) -> psutil.Process | None:
    """Return the process in which a worker tries a download alone."""
    for child in psutil.Process(worker.process.pid).children():
        with suppress(psutil.Error):
            command = child.cmdline()
            if "actors.trial" in "".join(command) and str(history_id) in command:
                return child
    return None


async def all_fetch(worker: Worker, number: int) -> None:
    await eventually(lambda: len(worker.lines("fetch_started")) >= number)


async def test_a_poison_is_given_up_and_its_neighbours_end_well(
    idle_station: Station, site: Site
) -> None:
    urls = [site.held_url(number) for number in (130, 131, 132, 133)]
    poison, *innocent = [await idle_station.submit(url, Mode.ARCHIVE) for url in urls]
    worker = await idle_station.start_worker(VASSET_DOWNLOADS__SLOTS="5")
    await all_fetch(worker, 4)
    worker.stop(signal.SIGKILL)
    await idle_station.services.db.raw(A_MINUTE_LATER)
    for url in urls[1:]:
        site.hurry(url)

    worker = await idle_station.start_worker()
    killed: set[int] = set()
    for _ in range(3):
        trial = await eventually(lambda: trial_of(worker, poison), timeout_s=120)
        await eventually(lambda: worker.lines("fetch_started") or None)
        trial.kill()
        killed.add(trial.pid)
        await eventually(lambda: len(worker.lines("trial_died")) == len(killed))
        await idle_station.services.db.raw(NEXT_PLEASE)

    row = await idle_station.ended(poison)
    assert (row["status"], row["error_code"]) == (Status.FAILED, "interrupted")
    assert row["lone_crashes"] == 3
    await idle_station.services.db.raw(NEXT_PLEASE)
    rows = [await idle_station.ended(each, timeout_s=120) for each in innocent]
    assert [row["status"] for row in rows] == [Status.COMPLETED] * 3
    assert [row["crashes"] for row in rows] == [0] * 3
    # None of it ever hurt the worker.
    assert worker.process.poll() is None


async def test_a_long_download_goes_on_though_its_worker_is_killed_three_times_by_others(
    idle_station: Station, site: Site
) -> None:
    url = site.held_url(134)
    history_id = await idle_station.submit(url)
    for _ in range(3):
        worker = await idle_station.start_worker()
        await all_fetch(worker, 1)
        worker.stop(signal.SIGKILL)
        await idle_station.services.db.raw(A_MINUTE_LATER)
    site.hurry(url)

    await idle_station.start_worker()

    row = await idle_station.ended(history_id)
    assert (row["status"], row["crashes"]) == (Status.PENDING_CLEANUP, 0)
    assert row["file_hash"] == site.md5("/clips/134.mp4")


async def test_a_worker_that_stops_takes_its_trial_along_and_blames_nobody(
    idle_station: Station, site: Site
) -> None:
    history_id = await idle_station.submit(site.held_url(135))
    worker = await idle_station.start_worker()
    await all_fetch(worker, 1)
    worker.stop(signal.SIGKILL)
    await idle_station.services.db.raw(A_MINUTE_LATER)
    worker = await idle_station.start_worker()
    trial = await eventually(lambda: trial_of(worker, history_id))
    await all_fetch(worker, 1)

    status = worker.stop(timeout_s=9)

    row = await idle_station.row(history_id)
    assert status == 0
    assert not trial.is_running()
    assert (row["status"], row["crashes"], row["lone_crashes"]) == (Status.QUEUED, 1, 0)
    assert row["claim_until"] is None
