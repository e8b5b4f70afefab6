"""What becomes of downloads when workers stop, die, or come back."""

import signal
from pathlib import Path

import psutil

from domain.states import Mode, Status
from tests.support.postgres import Postgres
from tests.support.site import Site
from tests.support.station import Station
from tests.support.waiting import eventually

SLOW = {"bytes_per_s": 60_000}


def descendants(station: Station) -> list[psutil.Process]:
    """Return every process that the last worker has started."""
    return psutil.Process(station.workers[-1].process.pid).children(recursive=True)


async def test_a_stop_during_a_fetch_is_quick_and_the_next_worker_goes_on(
    idle_station: Station, site: Site
) -> None:
    worker = await idle_station.start_worker()
    url = site.held_url(30)
    history_id = await idle_station.submit(url, Mode.ARCHIVE)
    await eventually(lambda: worker.lines("fetch_started"))
    children = descendants(idle_station)

    status = worker.stop(timeout_s=9)

    row = await idle_station.row(history_id)
    assert status == 0
    assert (row["status"], row["claim_until"]) == (Status.QUEUED, None)
    assert not [child for child in children if child.is_running()]
    assert not idle_station.staging()
    site.hurry(url)
    await idle_station.start_worker()
    row = await idle_station.ended(history_id)
    assert (row["status"], row["attempts"]) == (Status.COMPLETED, 1)
    assert row["file_hash"] == site.md5("/clips/30.mp4")


async def test_a_killed_workers_download_is_taken_up_again(
    idle_station: Station, site: Site
) -> None:
    worker = await idle_station.start_worker()
    url = site.held_url(31)
    history_id = await idle_station.submit(url)
    await eventually(lambda: worker.lines("fetch_started"))
    children = descendants(idle_station)

    worker.stop(signal.SIGKILL)

    await eventually(lambda: not [child for child in children if child.is_running()])
    site.hurry(url)
    # A minute of waiting for the claim to run out, without the minute.
    await idle_station.services.db.raw(
        "UPDATE download_history SET claim_until = now() - interval '1 second',"
        " woken_at = now() - interval '5 minutes' WHERE status = 5"
    )
    await idle_station.start_worker()
    row = await idle_station.ended(history_id)
    assert (row["status"], row["attempts"], row["crashes"]) == (Status.PENDING_CLEANUP, 2, 0)
    assert row["file_hash"] == site.md5("/clips/31.mp4")
    await eventually(lambda: not idle_station.staging())


async def test_what_nobody_was_told_of_is_found_by_the_sweep(
    idle_station: Station, site: Site
) -> None:
    wish_url = site.clip_url(33)
    row = await idle_station.accept_silently(wish_url)

    await idle_station.start_worker()

    ended = await idle_station.ended(row)
    assert ended["status"] == Status.PENDING_CLEANUP


async def test_a_lost_claim_ends_the_child_and_leaves_the_row_alone(
    idle_station: Station, site: Site
) -> None:
    worker = await idle_station.start_worker()
    history_id = await idle_station.submit(site.held_url(34))
    await eventually(lambda: worker.lines("fetch_started"))

    await idle_station.services.db.raw("UPDATE download_history SET epoch = epoch + 1")
    await idle_station.services.feed.wish_cancelled(history_id)

    # The renewal of the claim would find it too, after fifteen seconds.
    await eventually(lambda: worker.lines("stage_interrupted"), timeout_s=10)
    row = await idle_station.row(history_id)
    assert (row["status"], row["stage"]) == (Status.RUNNING, "fetch")


async def test_an_expired_file_is_deleted_and_then_said_to_be(
    idle_station: Station, site: Site
) -> None:
    worker = await idle_station.start_worker()
    quick = await idle_station.submit(site.clip_url(35))
    kept = await idle_station.submit(site.clip_url(36), Mode.ARCHIVE)
    gone = Path((await idle_station.ended(quick))["file_path"])
    stays = Path((await idle_station.ended(kept))["file_path"])
    worker.stop()
    await idle_station.services.db.raw(
        "UPDATE download_history SET expire_at = now() - interval '1 second' WHERE status = 3"
    )

    await idle_station.start_worker()

    await idle_station.reached(quick, Status.EXPIRED)
    assert not gone.parent.exists()
    assert stays.is_file()


async def test_nothing_is_marked_expired_while_the_disk_is_away(
    idle_station: Station, site: Site
) -> None:
    worker = await idle_station.start_worker()
    quick = await idle_station.submit(site.clip_url(37))
    await idle_station.ended(quick)
    await idle_station.services.db.raw("UPDATE download_history SET expire_at = now()")
    idle_station.root.rename(idle_station.root.with_name("unmounted"))

    idle_station.tick()

    await eventually(lambda: worker.lines("expired_file_not_deleted"))
    assert (await idle_station.row(quick))["status"] == Status.PENDING_CLEANUP


async def test_one_users_many_never_stand_before_anothers_one(
    idle_station: Station, site: Site
) -> None:
    many = [await idle_station.accept_silently(site.clip_url(n)) for n in range(40, 48)]
    await idle_station.become("bob@example.com")
    one = await idle_station.accept_silently(site.clip_url(48))

    await idle_station.start_worker(VASSET_DOWNLOADS__SLOTS="1")

    theirs = await idle_station.ended(one)
    await idle_station.become("ada@example.com")
    rows = [await idle_station.row(n) for n in many]
    begun = [row["started_at"] for row in rows if row["started_at"] is not None]
    assert sum(moment < theirs["finished_at"] for moment in begun) <= 3


async def test_a_database_that_is_away_for_a_moment_ends_no_download(
    idle_station: Station, site: Site, postgres: Postgres
) -> None:
    worker = await idle_station.start_worker()
    history_id = await idle_station.submit(site.clip_url(38, **SLOW))
    await eventually(lambda: worker.lines("fetch_started"))

    postgres.restart()

    row = await idle_station.ended_despite_faults(history_id)
    assert (row["status"], row["attempts"]) == (Status.PENDING_CLEANUP, 1)
    assert worker.process.poll() is None
