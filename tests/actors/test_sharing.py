"""The same asked again is fetched once: waited for, linked, and each record keeps its own file."""

import asyncio
from collections.abc import AsyncGenerator, Generator
from pathlib import Path
from uuid import uuid4

import pytest

from domain.requests import Quality
from domain.states import Mode, Status
from tests.actors.twins import SLOW, fetches, inodes, new_clip
from tests.support.postgres import Postgres
from tests.support.site import Site
from tests.support.station import Station, open_station
from tests.support.valkey import Valkey
from tests.support.waiting import eventually


@pytest.fixture(scope="module")
def shared_database_url(postgres: Postgres) -> Generator[str]:
    yield postgres.create_database("sharing", template="vasset_template")
    postgres.drop_database("sharing")


@pytest.fixture(scope="module")
async def station(
    shared_database_url: str, valkey: Valkey, tmp_path_factory: pytest.TempPathFactory
) -> AsyncGenerator[Station]:
    """A node at work that shares as it does by default."""
    environment = {
        "VASSET_DATABASE__URL": shared_database_url,
        "VASSET_REDIS__URL": valkey.url,
        "VASSET_BROKER__URL": valkey.url.removesuffix("/0") + "/3",
    }
    async with open_station(environment, tmp_path_factory.mktemp("sharing")) as station:
        await station.start_worker()
        yield station


async def test_what_is_asked_again_while_it_runs_waits_and_is_linked(
    station: Station, site: Site
) -> None:
    url = new_clip(site, bytes_per_s=SLOW)
    first = await station.submit(url)
    await station.reached(first, Status.RUNNING)

    again = await station.submit(url)
    waiting = await station.row(again)
    rows = [await station.ended(one) for one in (first, again)]

    assert waiting["status"] == Status.QUEUED
    assert [row["status"] for row in rows] == [Status.PENDING_CLEANUP] * 2
    assert fetches(site, url) == len(inodes(rows)) == 1
    assert rows[0]["file_path"] != rows[1]["file_path"]
    assert rows[1]["finished_at"] > rows[0]["finished_at"]
    assert rows[1]["expire_at"] > rows[0]["expire_at"]


async def test_fifty_at_once_are_one_fetch_and_fifty_records(station: Station, site: Site) -> None:
    url = new_clip(site)
    ids = await asyncio.gather(*(station.submit(url, Mode.ARCHIVE) for _ in range(50)))

    rows = [await station.ended(one, timeout_s=60) for one in ids]

    assert {row["status"] for row in rows} == {Status.COMPLETED}
    assert fetches(site, url) == len(inodes(rows)) == 1
    assert len({row["file_path"] for row in rows}) == 50
    await eventually(lambda: not station.staging())


async def test_what_is_there_already_is_linked_without_a_proxy(
    station: Station, site: Site
) -> None:
    url = new_clip(site)
    rows = [await station.ended(await station.submit(url)) for _ in range(2)]

    runs = [await station.services.downloads.runs(row["history_id"]) for row in rows]

    assert fetches(site, url) == len(inodes(rows)) == 1
    assert [run[0]["outcome"] for run in runs] == ["done", "linked"]
    assert runs[1][0]["exit"] is None
    assert [row["title"] for row in rows] == [rows[0]["title"]] * 2


async def test_another_quality_or_mode_is_another_work(station: Station, site: Site) -> None:
    url = new_clip(site)
    ids = [
        await station.submit(url),
        await station.submit(url, Mode.ARCHIVE),
        await station.submit(url, quality=Quality.P360),
    ]

    rows = [await station.ended(one) for one in ids]

    assert fetches(site, url) == len(inodes(rows)) == 3


async def test_each_record_lives_and_ends_on_its_own(station: Station, site: Site) -> None:
    services, url = station.services, new_clip(site)
    ids = [await station.submit(url) for _ in range(4)]
    expired, deleted, *kept = [await station.ended(one) for one in ids]

    await services.db.raw(
        f"UPDATE download_history SET expire_at = now() WHERE history_id = {expired['history_id']}"
    )
    await services.downloads.hide(deleted["history_id"], station.user.user_id)
    station.tick()
    await station.reached(expired["history_id"], Status.EXPIRED)
    await eventually(lambda: not Path(deleted["file_path"]).exists(), timeout_s=40)

    assert not Path(expired["file_path"]).exists()
    assert len(inodes(kept)) == 1
    assert Path(kept[0]["file_path"]).stat().st_nlink == 2


async def test_what_has_expired_everywhere_is_fetched_again(station: Station, site: Site) -> None:
    url = new_clip(site)
    first = await station.ended(await station.submit(url))
    await station.services.db.raw(
        f"UPDATE download_history SET expire_at = now() WHERE history_id = {first['history_id']}"
    )

    again = await station.ended(await station.submit(url))

    assert fetches(site, url) == 2
    assert again["linked_from"] is None


async def test_a_failure_is_the_leaders_own(station: Station, site: Site) -> None:
    url = site.url(f"/flaky/{uuid4().hex}?times=1&status=404&delay_s=1")
    first = await station.submit(url)
    await station.reached(first, Status.RUNNING)
    again = await station.submit(url)

    rows = [await station.ended(one) for one in (first, again)]

    assert [row["status"] for row in rows] == [Status.FAILED, Status.PENDING_CLEANUP]


@pytest.mark.parametrize("deed", ["cancel", "hide"])
async def test_who_waits_is_fetched_when_the_leader_is_taken_away(
    station: Station, site: Site, deed: str
) -> None:
    url = new_clip(site, bytes_per_s=SLOW)
    first = await station.submit(url)
    await eventually(lambda: site.requests_for(url.removeprefix(site.url("")).partition("?")[0]))
    again = await station.submit(url)

    await getattr(station.services.downloads, deed)(first, station.user.user_id)
    await station.services.feed.wish_cancelled(first)
    row = await station.ended(again)

    assert row["status"] == Status.PENDING_CLEANUP
    assert row["linked_from"] is None
    assert len(inodes([row])) == 1


async def test_a_twin_whose_file_is_gone_is_marked_and_the_work_done_again(
    station: Station, site: Site
) -> None:
    url = new_clip(site)
    first = await station.ended(await station.submit(url))
    Path(first["file_path"]).unlink()

    again = await station.ended(await station.submit(url))

    assert (again["status"], again["attempts"]) == (Status.PENDING_CLEANUP, 1)
    assert fetches(site, url) == 2
    assert (await station.row(first["history_id"]))["file_fault"] == "missing"


async def test_other_users_get_files_of_their_own(station: Station, site: Site) -> None:
    url = new_clip(site)
    mine = await station.ended(await station.submit(url))

    me = station.user
    await station.become("bob@example.com")
    theirs = await station.ended(await station.submit(url))
    station.user = me

    assert fetches(site, url) == len(inodes([mine, theirs])) == 2
