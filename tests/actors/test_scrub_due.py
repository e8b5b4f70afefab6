"""The scrub: which assets it reads and when, by the chore and over several workers."""

from datetime import timedelta
from pathlib import Path
from typing import cast

import pytest

from actors.context import Context
from actors.rereading import Pace
from actors.scrub import Scrubbed, scrub
from runtime.services import Services, open_services
from runtime.settings_layers import load
from storage.assets import AssetFault, Assets
from storage.db import Db
from tests.actors.scrubbing import CHORE, CONTENT, EVERYTHING, ids, scrubbed
from tests.support.archive import NODE, Archive, flip
from tests.support.station import Station
from tests.support.valkey import Valkey
from tests.support.waiting import eventually


async def test_only_what_was_not_read_for_long_is_due(db: Db, archive: Archive) -> None:
    oldest, older, _young, fresh = [
        await archive.add(CONTENT, read_ago=timedelta(days=days)) for days in (9, 8, 6, 0)
    ]
    await Assets(db, node=NODE).mark(fresh.history_id, AssetFault.MISSING)

    found = await scrubbed(db, archive.files)
    everything = await scrubbed(db, archive.files, EVERYTHING)

    assert ids(found) == [oldest.history_id, older.history_id, fresh.history_id]
    assert len(everything) == 4


async def test_other_nodes_and_quick_downloads_are_left_alone(db: Db, archive: Archive) -> None:
    elsewhere = await archive.add(CONTENT)
    await db.raw(
        "UPDATE download_history SET storage_node = 'node-b'"
        f" WHERE history_id = {elsewhere.history_id}"
    )

    assert await scrubbed(db, archive.files, EVERYTHING) == []


async def test_two_runs_share_what_is_due(db: Db, archive: Archive) -> None:
    kept = [await archive.add(CONTENT) for _ in range(3)]
    others: list[Scrubbed] = []

    async def let_another_run(_seconds: float) -> None:
        others.extend(await scrubbed(db, archive.files, CHORE))

    found = await scrubbed(db, archive.files, CHORE, pace=Pace(2**20, sleep=let_another_run))

    assert ids(found) == [kept[0].history_id]
    assert ids(others) == [one.history_id for one in kept[1:]]


@pytest.mark.parametrize(("days", "fault"), [("7", "corrupt"), ("0", None)])
async def test_the_chore_reads_unless_it_is_switched_off(
    database_url: str, valkey: Valkey, tmp_path: Path, days: str, fault: str | None
) -> None:
    settings = load(
        {
            "VASSET_DATABASE__URL": database_url,
            "VASSET_REDIS__URL": valkey.url,
            "VASSET_STORAGE__NODE": NODE,
            "VASSET_STORAGE__ROOT": str(tmp_path / "root"),
            "VASSET_STORAGE__SCRUB_EVERY_D": days,
        }
    )

    class Hands:
        """The part of a context that the scrub uses."""

        def __init__(self, services: Services) -> None:
            self.services = services

    async with open_services(settings) as services:
        archive = await Archive.create(services.db, settings.storage.root)
        kept = await archive.add(CONTENT)
        flip(kept.path)

        await scrub(cast("Context", Hands(services)))

        assert await archive.fault(kept) == fault


async def test_a_worker_reads_its_archive_of_itself(idle_station: Station) -> None:
    archive = await Archive.create(idle_station.services.db, idle_station.root)
    kept = await archive.add(CONTENT)
    flip(kept.path)

    worker = await idle_station.start_worker()

    await eventually(lambda: worker.lines("asset_corrupt"))
    assert await archive.fault(kept) == "corrupt"
