"""A download from the wake-up to the file, on both brokers, with the real yt-dlp."""

import hashlib
from pathlib import Path
from uuid import uuid4

from domain.requests import Quality
from domain.states import Mode, Stage, Status
from tests.support.media import kinds_of_streams
from tests.support.site import Site
from tests.support.station import Station
from tests.support.waiting import eventually


async def test_a_quick_download_ends_as_a_file_that_will_be_deleted(
    station: Station, site: Site
) -> None:
    history_id = await station.submit(site.url("/clips/1.mp4"))

    row = await station.ended(history_id)

    asset = station.root / "tmp" / str(row["asset_uuid"]) / str(history_id)
    assert row["status"] == Status.PENDING_CLEANUP
    assert row["file_path"] == str(asset)
    assert row["file_name"] == "1.mp4"
    assert row["file_size"] == asset.stat().st_size
    assert row["file_hash"] == site.md5("/clips/1.mp4") == _md5(asset)
    assert (row["expire_at"] - row["finished_at"]).total_seconds() == 24 * 3600


async def test_an_archive_download_ends_as_a_file_that_stays(station: Station, site: Site) -> None:
    history_id = await station.submit(site.url("/clips/2.mp4"), Mode.ARCHIVE)

    row = await station.ended(history_id)

    day = row["created_at"].strftime("%Y%m%d")
    asset = station.root / "archive" / str(station.user.user_id) / day / str(history_id)
    assert row["status"] == Status.COMPLETED
    assert row["expire_at"] is None
    assert row["file_hash"] == _md5(asset)


async def test_separate_sound_and_picture_are_merged(station: Station, site: Site) -> None:
    history_id = await station.submit(site.url("/dash/manifest.mpd"))

    row = await station.ended(history_id)

    asset = Path(row["file_path"])
    assert kinds_of_streams(asset) == ["Audio", "Video"]


async def test_a_segmented_stream_becomes_one_file(station: Station, site: Site) -> None:
    history_id = await station.submit(site.url("/hls/index.m3u8"))

    row = await station.ended(history_id)

    assert row["status"] == Status.PENDING_CLEANUP
    assert kinds_of_streams(Path(row["file_path"])) == ["Audio", "Video"]


async def test_the_sound_alone_can_be_asked_for(station: Station, site: Site) -> None:
    history_id = await station.submit(site.url("/dash/manifest.mpd"), quality=Quality.AUDIO)

    row = await station.ended(history_id)

    assert kinds_of_streams(Path(row["file_path"])) == ["Audio"]


async def test_a_title_of_the_site_names_the_file_but_never_its_path(
    station: Station, site: Site
) -> None:
    history_id = await station.submit(site.watch_url(3, title="../../电影: part/1"))

    row = await station.ended(history_id)

    assert "电影_ part_1" in row["file_name"]
    assert "/" not in row["file_name"]
    assert Path(row["file_path"]).name == str(history_id)


async def test_nothing_is_left_in_staging(station: Station, site: Site) -> None:
    await station.ended(await station.submit(site.url("/clips/4.mp4")))
    await station.ended(await station.submit(site.url("/status/404")))

    await eventually(lambda: not station.staging())


async def test_a_video_that_is_gone_fails_at_once_and_says_so(station: Station, site: Site) -> None:
    history_id = await station.submit(site.url("/status/404?key=gone"))

    row = await station.ended(history_id)

    assert (row["status"], row["error_code"], row["attempts"]) == (Status.FAILED, "unavailable", 1)
    assert row["error_retryable"] is False
    assert row["file_hash"] is None


async def test_a_site_in_trouble_is_tried_again(station: Station, site: Site) -> None:
    history_id = await station.submit(site.url(f"/flaky/{uuid4().hex}?times=2&status=503"))

    row = await station.ended(history_id)

    assert (row["status"], row["attempts"]) == (Status.PENDING_CLEANUP, 3)
    assert row["error_code"] is None


async def test_a_site_that_sends_nothing_more_is_given_up_as_stalled(
    station: Station, site: Site
) -> None:
    history_id = await station.submit(site.clip_url(5, stall_after=50_000))

    async def second_attempt() -> bool:
        return (await station.row(history_id))["attempts"] >= 2

    await eventually(second_attempt, timeout_s=60)
    assert (await station.row(history_id))["error_code"] == "stalled"
    await station.services.downloads.cancel(history_id, station.user.user_id)
    await station.services.feed.wish_cancelled(history_id)


async def test_the_same_wake_up_many_times_fetches_once(station: Station, site: Site) -> None:
    path = "/clips/6.mp4"
    before = len(site.requests_for(path))
    history_id = await station.submit(site.url(path))
    for _ in range(5):
        station.wake(Stage.ACQUIRE_PROXY, history_id)
        station.wake(Stage.FETCH, history_id)
        station.wake(Stage.RECORD, history_id)

    row = await station.ended(history_id)

    assert (row["status"], row["attempts"]) == (Status.PENDING_CLEANUP, 1)
    # yt-dlp looks at the address once before it fetches.
    assert len(site.requests_for(path)) - before == 2


async def test_a_running_download_is_cancelled_within_two_seconds(
    station: Station, site: Site
) -> None:
    history_id = await station.submit(site.clip_url(7, bytes_per_s=5_000))
    await station.reached(history_id, Status.RUNNING)

    await station.services.downloads.cancel(history_id, station.user.user_id)
    await station.services.feed.wish_cancelled(history_id)

    row = await station.reached(history_id, Status.CANCELLED, timeout_s=2)
    assert row["error_code"] == "cancelled"
    await eventually(lambda: not station.staging())


async def test_every_move_is_written_down(station: Station, site: Site) -> None:
    history_id = await station.submit(site.url("/clips/8.mp4"))
    await station.ended(history_id)

    moves = await station.services.db.all("transitions_of", history_id=history_id)

    assert [move["to_status"] for move in moves] == [
        Status.QUEUED,
        Status.RUNNING,
        Status.PENDING_CLEANUP,
    ]


def _md5(file: Path) -> str:
    return hashlib.md5(file.read_bytes(), usedforsecurity=False).hexdigest()
