"""What the sweep finds after somebody died, and what the log of the stages says of it."""

import signal
from pathlib import Path

from domain.download import FetchedMedia
from domain.states import Mode, Status
from storage import manifests
from tests.support.site import Site
from tests.support.station import Station
from tests.support.waiting import eventually

DIED = (
    "UPDATE download_history SET claim_until = now() - interval '1 second',"
    " woken_at = now() - interval '5 minutes' WHERE status = 5"
)


async def test_a_complete_fetch_is_adopted_and_not_fetched_again(
    idle_station: Station, site: Site
) -> None:
    worker = await idle_station.start_worker()
    history_id = await idle_station.submit(site.held_url(60))
    # The look and the transfer: a request on its way would be written down after the count below.
    await eventually(lambda: len(site.requests_for("/clips/60.mp4")) == 2)
    worker.stop(signal.SIGKILL)
    # The state that a death between the manifest and the row leaves.
    staging = idle_station.root / ".staging" / f"{history_id}.1"
    file = staging / "media.mp4"
    file.write_bytes(site.media.clip.read_bytes())
    media = FetchedMedia(
        path=file,
        size_bytes=file.stat().st_size,
        extension="mp4",
        title="Adopted",
        extractor="generic",
        webpage_url=None,
        thumbnail=None,
        duration_s=None,
    )
    manifests.write(staging, media)
    asked = len(site.journal)
    await idle_station.services.db.raw(DIED)

    await idle_station.start_worker()

    row = await idle_station.ended(history_id)
    assert (row["status"], row["attempts"]) == (Status.PENDING_CLEANUP, 1)
    assert row["title"] == "Adopted"
    assert len(site.journal) == asked


async def test_the_log_of_the_stages_says_who_did_what(idle_station: Station, site: Site) -> None:
    await idle_station.start_worker()
    history_id = await idle_station.submit(site.url("/flaky/runs"))
    await idle_station.ended(history_id)

    runs = await idle_station.services.downloads.runs(history_id)

    assert [(run["attempt"], run["stage"], run["outcome"]) for run in runs] == [
        (1, "acquire_proxy", "done"),
        (1, "fetch", "unavailable"),
        (2, "acquire_proxy", "done"),
        (2, "fetch", "done"),
        (2, "checksum", "done"),
        (2, "record", "done"),
    ]
    assert {run["node"] for run in runs} == {"node-a"}
    assert runs[1]["exit"] == "direct"
    assert all(0 <= run["seconds"] < 300 for run in runs)


async def test_a_lease_that_nobody_needs_is_released(idle_station: Station) -> None:
    await idle_station.services.redis.hset("vasset:lease:987654", mapping={"url": "", "exit": "x"})

    await idle_station.start_worker()

    await eventually(lambda: _is_gone(idle_station, "vasset:lease:987654"))


async def _is_gone(station: Station, key: str) -> bool:
    return not await station.services.redis.exists(key)


async def test_the_file_of_a_deleted_record_is_deleted(idle_station: Station, site: Site) -> None:
    worker = await idle_station.start_worker()
    kept, gone = [await idle_station.submit(site.clip_url(n), Mode.ARCHIVE) for n in (61, 62)]
    quick = await idle_station.submit(site.clip_url(63))
    paths = [Path((await idle_station.ended(one))["file_path"]) for one in (kept, gone, quick)]
    worker.stop()
    for one in (gone, quick):
        await idle_station.services.downloads.hide(one, idle_station.user.user_id)

    await idle_station.start_worker()

    await eventually(lambda: not paths[1].exists() and not paths[2].exists())
    assert paths[0].is_file()

    async def nothing_is_left() -> bool:
        return not await idle_station.services.due.to_remove(9)

    # The row learns of it after the disk does.
    await eventually(nothing_is_left)


async def test_a_site_that_limits_us_rests_for_everybody(idle_station: Station, site: Site) -> None:
    await idle_station.start_worker(VASSET_DOWNLOADS__SITE_COOLDOWN_S="300")
    await idle_station.submit(site.url("/status/429"))

    async def cooling() -> bool:
        rows = await idle_station.services.limits.all()
        return any(row["cooling_until"] is not None for row in rows)

    await eventually(cooling)
    waiting = await idle_station.submit(site.clip_url(64))
    elsewhere = await idle_station.submit(site.clip_url(65).replace("127.0.0.1", "localhost"))

    assert (await idle_station.ended(elsewhere))["status"] == Status.PENDING_CLEANUP
    row = await idle_station.row(waiting)
    assert (row["status"], row["attempts"]) == (Status.QUEUED, 0)


async def test_a_full_disk_is_cleared_of_what_has_expired(
    idle_station: Station, site: Site
) -> None:
    worker = await idle_station.start_worker()
    history_id = await idle_station.submit(site.clip_url(66))
    file = Path((await idle_station.ended(history_id))["file_path"])
    worker.stop()
    # Its first clean-up finds nothing; the next one that is not the sweep's comes in 30 minutes.
    await idle_station.start_worker(VASSET_STORAGE__STOP_RATIO="0.000001")
    assert file.exists()
    await idle_station.services.db.raw("UPDATE download_history SET expire_at = now()")

    await idle_station.reached(history_id, Status.EXPIRED)

    assert not file.exists()
