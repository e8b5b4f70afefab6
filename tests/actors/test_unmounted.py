"""A node whose disk is not mounted when its worker starts."""

from domain.states import Mode, Status
from tests.support.site import Site
from tests.support.station import Station
from tests.support.waiting import eventually


async def test_a_worker_refuses_an_empty_folder_where_its_disk_should_be(
    idle_station: Station, site: Site
) -> None:
    worker = await idle_station.start_worker()
    kept = await idle_station.ended(await idle_station.submit(site.clip_url(160), Mode.ARCHIVE))
    worker.stop()
    disk = idle_station.root.with_name("disk")
    idle_station.root.rename(disk)
    idle_station.root.mkdir()
    waiting = await idle_station.submit(site.clip_url(161), Mode.ARCHIVE)

    refused = idle_station.begin_worker()

    await eventually(lambda: refused.process.poll() is not None, timeout_s=90)
    told = refused.log.read_text()
    assert refused.process.returncode == 1
    assert "mount its disk" in told
    assert "vasset node adopt node-a" in told
    assert list(idle_station.root.iterdir()) == []
    assert (await idle_station.row(waiting))["status"] == Status.QUEUED
    assert (await idle_station.row(kept["history_id"]))["file_fault"] is None
    # With its disk it goes on.
    idle_station.root.rmdir()
    disk.rename(idle_station.root)
    await idle_station.start_worker()
    assert (await idle_station.ended(waiting))["status"] == Status.COMPLETED


async def test_an_adopted_root_is_marked_once(idle_station: Station) -> None:
    worker = await idle_station.start_worker()
    worker.stop()
    nodes = idle_station.services.nodes
    idle_station.root.rename(idle_station.root.with_name("old"))

    assert await nodes.set_adopts("node-a", adopts=True)
    assert not await nodes.set_adopts("node-z", adopts=True)
    await idle_station.start_worker()

    assert (idle_station.root / ".vasset-node").read_text() == "node-a"
    assert await nodes.may_mark("node-a") is False
    assert await nodes.may_mark("node-z") is True
