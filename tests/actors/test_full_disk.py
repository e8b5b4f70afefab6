"""A worker on a real disk that is small: what is full stops, waits, and goes on."""

from collections.abc import AsyncGenerator
from contextlib import ExitStack
from pathlib import Path

import pytest

from domain.states import Status
from tests.support.site import Site
from tests.support.small_disk import SmallDisk
from tests.support.station import Row, Station, Worker, open_station
from tests.support.valkey import Valkey
from tests.support.waiting import eventually

MIB = 1 << 20
SLOW = {"bytes_per_s": 20_000}


@pytest.fixture
async def disk(tmp_path: Path) -> AsyncGenerator[SmallDisk]:
    with ExitStack() as stack:
        yield stack.enter_context(SmallDisk(tmp_path / "disk", size_bytes=64 * MIB))


@pytest.fixture
async def small_station(
    database_url: str, valkey: Valkey, tmp_path: Path, disk: SmallDisk
) -> AsyncGenerator[Station]:
    """A node whose downloads may fill 48 of the 64 MiB of its disk."""
    environment = {
        "VASSET_DATABASE__URL": database_url,
        "VASSET_REDIS__URL": valkey.url,
        "VASSET_BROKER__URL": valkey.url.removesuffix("/0") + "/2",
        "VASSET_STORAGE__ROOT": str(disk.folder / "root"),
        "VASSET_STORAGE__STOP_RATIO": "0.75",
    }
    async with open_station(environment, tmp_path) as station:
        yield station


async def put_back(station: Station, history_id: int) -> Row:
    """Return the row of a download as soon as it is queued again, with nothing of it left."""

    async def probe() -> Row | None:
        row = await station.row(history_id)
        return row if row["status"] == Status.QUEUED and row["attempts"] == 1 else None

    row = await eventually(probe, timeout_s=30, what="the download to be put back")
    assert station.staging() == []
    return row


async def fetching(worker: Worker) -> None:
    await eventually(lambda: worker.lines("fetch_started"))


async def test_a_disk_that_others_fill_stops_a_fetch_in_good_order(
    small_station: Station, site: Site, disk: SmallDisk
) -> None:
    worker = await small_station.start_worker()
    history_id = await small_station.submit(site.clip_url(130, size=MIB, **SLOW))
    await fetching(worker)

    disk.fill(but_bytes=15 * MIB)

    row = await put_back(small_station, history_id)
    assert (row["error_code"], row["error_retryable"]) == ("disk_full", True)


async def test_a_file_that_has_no_room_is_put_back_when_its_size_is_known(
    small_station: Station, site: Site
) -> None:
    await small_station.start_worker()

    # A merge would need 60 MiB of it, and the disk has 64.
    history_id = await small_station.submit(site.clip_url(131, size=26 * MIB, bytes_per_s=500_000))

    row = await put_back(small_station, history_id)
    assert row["error_code"] == "disk_full"
    assert row["expected_bytes"] > 26 * MIB


async def test_a_file_larger_than_the_disk_ends_for_good(
    small_station: Station, site: Site
) -> None:
    await small_station.start_worker()

    history_id = await small_station.submit(site.clip_url(132, size=40 * MIB, bytes_per_s=500_000))

    row = await small_station.ended(history_id)
    assert (row["status"], row["error_code"], row["attempts"]) == (Status.FAILED, "too_large", 1)
    assert "the disks" in row["error_message"]


async def test_on_a_full_disk_nothing_begins_until_there_is_room(
    small_station: Station, site: Site, disk: SmallDisk
) -> None:
    other = disk.fill(but_bytes=15 * MIB)
    worker = await small_station.start_worker()
    history_id = await small_station.submit(site.clip_url(133))
    await eventually(lambda: worker.lines("disk_full"))
    waiting = await small_station.row(history_id)

    other.unlink()

    assert (waiting["status"], waiting["attempts"]) == (Status.QUEUED, 0)
    row = await small_station.ended(history_id, timeout_s=60)
    assert (row["status"], row["attempts"]) == (Status.PENDING_CLEANUP, 1)
