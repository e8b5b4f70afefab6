"""Files that no row names are set aside; files that one names never are."""

import shutil
from datetime import timedelta
from pathlib import Path
from typing import cast

import pytest

from actors.context import Context
from actors.strays import hunt
from domain.states import Mode, Status
from storage.files import RootMissingError
from tests.support.site import Site
from tests.support.station import Station

NOW = timedelta(0)


class Hands:
    """The part of a context that the hunt uses."""

    def __init__(self, station: Station) -> None:
        self.services = station.services


@pytest.fixture
async def finished(idle_station: Station, site: Site) -> list[Path]:
    """The files of one archived and one quick download, on a node that has stopped."""
    worker = await idle_station.start_worker()
    ids = [
        await idle_station.submit(site.clip_url(70), Mode.ARCHIVE),
        await idle_station.submit(site.clip_url(71)),
    ]
    rows = [await idle_station.ended(one) for one in ids]
    worker.stop()
    return [Path(row["file_path"]) for row in rows]


def context_of(station: Station) -> Context:
    return cast("Context", Hands(station))


async def test_only_what_no_row_names_is_set_aside(
    idle_station: Station, finished: list[Path]
) -> None:
    root = idle_station.root
    strays = [
        finished[0].with_name("424242"),
        finished[0].with_name("notes.txt"),
        root / "tmp" / "2f1f5f0e-0000-4000-8000-000000000000" / finished[1].name,
    ]
    for stray in strays:
        stray.parent.mkdir(exist_ok=True)
        shutil.copyfile(finished[0], stray)

    count = await hunt(context_of(idle_station), NOW)

    assert count == 3
    assert [path.exists() for path in finished] == [True, True]
    assert not any(stray.exists() for stray in strays)
    assert len(list((root / ".quarantine").iterdir())) == 3


async def test_a_young_file_is_left_alone(idle_station: Station, finished: list[Path]) -> None:
    young = finished[0].with_name("424243")
    young.write_bytes(b"just moved here")

    assert await hunt(context_of(idle_station)) == 0
    assert young.exists()


async def test_the_file_of_a_failed_download_is_a_stray(
    idle_station: Station, finished: list[Path]
) -> None:
    await idle_station.services.db.raw(
        "ALTER TABLE download_history DISABLE TRIGGER download_history_moved;"
        f"UPDATE download_history SET status = {int(Status.FAILED)}"
        f" WHERE history_id = {finished[0].name};"
        "ALTER TABLE download_history ENABLE TRIGGER download_history_moved;"
    )

    await hunt(context_of(idle_station), NOW)

    assert [path.exists() for path in finished] == [False, True]


async def test_nothing_is_judged_while_the_disk_is_away(
    idle_station: Station, finished: list[Path]
) -> None:
    (idle_station.root / ".vasset-node").unlink()

    with pytest.raises(RootMissingError):
        await hunt(context_of(idle_station), NOW)

    assert all(path.exists() for path in finished)


async def test_what_was_set_aside_goes_after_a_day(
    idle_station: Station, finished: list[Path]
) -> None:
    stray = finished[0].with_name("424244")
    stray.write_bytes(b"nobody knows it")
    await hunt(context_of(idle_station), NOW)

    strays = idle_station.services.strays
    assert strays.forget(timedelta(hours=24)) == 0
    assert strays.forget(NOW) == 1
