"""Several nodes on one database and broker: one that freezes, one that dies, one without a disk."""

import signal
from pathlib import Path

import psutil

from domain.states import Mode, Status
from tests.support.site import Site
from tests.support.station import Station, Worker
from tests.support.waiting import eventually

SLOW = {"bytes_per_s": 40_000}
SILENT_FOR_A_MINUTE = (
    "UPDATE download_history SET claim_until = claim_until - interval '61 s',"
    " woken_at = woken_at - interval '61 s';"
    "UPDATE nodes SET heartbeat_at = heartbeat_at - interval '61 s' WHERE node = 'node-a'"
)


async def start_other(station: Station) -> Worker:
    """Start a second node with a root of its own."""
    return await station.start_worker(
        VASSET_STORAGE__NODE="node-b", VASSET_STORAGE__ROOT=str(root_of_other(station))
    )


def root_of_other(station: Station) -> Path:
    return station.root.with_name("root-b")


def files_below(root: Path) -> list[Path]:
    return [
        path for top in ("tmp", "archive") for path in (root / top).rglob("*") if path.is_file()
    ]


def fetching_below(worker: Worker) -> list[psutil.Process]:
    """Return the children that stand in a staging folder."""
    return [
        one
        for one in psutil.Process(worker.process.pid).children(recursive=True)
        if ".staging" in folder_of(one)
    ]


def folder_of(process: psutil.Process) -> str:
    """Return where a process stands; nowhere if it has ended since it was seen."""
    try:
        return process.cwd()
    except psutil.Error:
        return ""


async def test_a_frozen_node_that_wakes_up_changes_nothing(
    idle_station: Station, site: Site
) -> None:
    frozen = await idle_station.start_worker()
    url = site.held_url(100)
    history_id = await idle_station.submit(url, Mode.ARCHIVE)
    await eventually(lambda: frozen.lines("fetch_started"))
    fetching = await eventually(lambda: fetching_below(frozen))
    frozen.process.send_signal(signal.SIGSTOP)
    site.hurry(url)
    await idle_station.services.db.raw(SILENT_FOR_A_MINUTE)
    await start_other(idle_station)
    await idle_station.services.db.raw(SILENT_FOR_A_MINUTE)
    row = await idle_station.ended(history_id, timeout_s=60)

    frozen.process.send_signal(signal.SIGCONT)

    await eventually(lambda: not [one for one in fetching if one.is_running()], timeout_s=60)
    await eventually(lambda: not idle_station.staging(), timeout_s=60)
    assert (row["status"], row["storage_node"]) == (Status.COMPLETED, "node-b")
    assert await idle_station.row(history_id) == row
    assert files_below(idle_station.root) == []
    assert [str(path) for path in files_below(root_of_other(idle_station))] == [row["file_path"]]


async def test_a_dead_nodes_downloads_go_on_elsewhere_and_it_may_come_back(
    idle_station: Station, site: Site
) -> None:
    dead = await idle_station.start_worker()
    urls = [site.held_url(n) for n in (101, 102)]
    ids = [await idle_station.submit(url) for url in urls]
    await eventually(lambda: len(dead.lines("fetch_started")) == len(ids))
    dead.stop(signal.SIGKILL)
    for url in urls:
        site.hurry(url)
    await idle_station.services.db.raw(SILENT_FOR_A_MINUTE)

    await start_other(idle_station)

    rows = [await idle_station.ended(one) for one in ids]
    assert {(row["status"], row["storage_node"]) for row in rows} == {
        (Status.PENDING_CLEANUP, "node-b")
    }
    assert len(idle_station.staging()) == len(ids)
    await idle_station.start_worker()
    await eventually(lambda: not idle_station.staging(), timeout_s=60)
    assert len(files_below(root_of_other(idle_station))) == len(ids)


async def test_a_draining_node_finishes_and_takes_nothing_new(
    idle_station: Station, site: Site
) -> None:
    drained = await idle_station.start_worker()
    first = await idle_station.submit(site.clip_url(103, **SLOW))
    await eventually(lambda: drained.lines("fetch_started"))
    await idle_station.services.nodes.set_draining("node-a", draining=True)
    await start_other(idle_station)

    later = [await idle_station.submit(site.clip_url(n)) for n in (104, 105)]

    assert (await idle_station.ended(first))["storage_node"] == "node-a"
    assert {(await idle_station.ended(one))["storage_node"] for one in later} == {"node-b"}
    await idle_station.services.nodes.set_draining("node-b", draining=True)
    await idle_station.services.nodes.set_draining("node-a", draining=False)
    last = await idle_station.submit(site.clip_url(106))
    assert (await idle_station.ended(last))["storage_node"] == "node-a"


async def test_a_node_without_its_disk_takes_nothing_and_goes_on_when_it_returns(
    idle_station: Station, site: Site
) -> None:
    worker = await idle_station.start_worker()
    elsewhere = idle_station.root.with_name("unmounted")
    idle_station.root.rename(elsewhere)
    history_id = await idle_station.submit(site.clip_url(107))
    await eventually(lambda: worker.lines("root_missing"))
    row = await idle_station.row(history_id)
    assert (row["status"], row["attempts"]) == (Status.QUEUED, 0)

    elsewhere.rename(idle_station.root)

    assert (await idle_station.ended(history_id))["status"] == Status.PENDING_CLEANUP


async def test_a_stop_under_load_loses_nothing(idle_station: Station, site: Site) -> None:
    worker = await idle_station.start_worker()
    ids = [await idle_station.submit(site.clip_url(n, **SLOW)) for n in range(110, 118)]
    await eventually(lambda: len(worker.lines("fetch_started")) >= 4)

    status = worker.stop(timeout_s=30)

    assert status == 0
    await idle_station.start_worker()
    rows = [await idle_station.ended(one, timeout_s=60) for one in ids]
    assert {(row["status"], row["attempts"]) for row in rows} == {(Status.PENDING_CLEANUP, 1)}
    assert {row["file_hash"] for row in rows} == {
        site.md5(f"/clips/{n}.mp4") for n in range(110, 118)
    }
