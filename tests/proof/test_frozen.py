"""A worker that freezes on the way, while the world goes on, and wakes up too late."""

import signal
from pathlib import Path

import pytest

from domain.states import Status
from tests.actors.twins import fetches, inodes
from tests.proof.test_crash_points import A_MINUTE_LATER
from tests.support.provider import Provider
from tests.support.proxy import ForwardProxy
from tests.support.site import Site
from tests.support.station import Row, Station
from tests.support.waiting import eventually


async def expire(station: Station, row: Row) -> None:
    """Let a download end as its node's clean-up does, with its file."""
    history_id = row["history_id"]
    await station.services.db.raw(
        f"UPDATE download_history SET expire_at = now() WHERE history_id = {history_id}"
    )
    station.services.files.delete(Path(row["file_path"]))
    await station.services.due.set_expired([history_id])


@pytest.mark.parametrize(
    "point", ["after:storage.twins:Twins.kept", "before:os:link"], ids=["unopened", "open"]
)
async def test_a_twin_that_expires_while_it_is_linked_is_fetched_once_and_no_alarm(
    idle_station: Station, site: Site, point: str
) -> None:
    url = site.clip_url(93)
    site.forget()
    worker = await idle_station.start_worker()
    first = await idle_station.ended(await idle_station.submit(url))
    worker.stop()
    again = await idle_station.submit(url)
    worker = await idle_station.freeze_at(point)
    behind = await idle_station.submit(url)
    await expire(idle_station, first)

    worker.process.send_signal(signal.SIGCONT)

    rows = [await idle_station.ended(one) for one in (again, behind)]
    assert [row["status"] for row in rows] == [Status.PENDING_CLEANUP] * 2
    assert (fetches(site, url), len(inodes(rows))) == (2, 1)
    assert [row["attempts"] for row in rows] == [1, 1]
    assert worker.lines("asset_missing") == worker.lines("not_linked") == []


async def test_who_wakes_too_late_leaves_the_proxy_to_who_goes_on(
    idle_station: Station, site: Site
) -> None:
    url = site.clip_url(94)
    with ForwardProxy() as proxy, Provider([proxy.url]) as third_party:
        rented = {
            "VASSET_PROXY__PROVIDER": "http",
            "VASSET_PROXY__ENDPOINT": third_party.endpoint,
            "VASSET_PROXY__API_KEY": third_party.key,
        }
        worker = await idle_station.start_worker()
        first = await idle_station.ended(await idle_station.submit(url))
        worker.stop()
        again = await idle_station.submit(url)
        late = await idle_station.freeze_at("after:storage.twins:Twins.kept")
        await expire(idle_station, first)
        await idle_station.services.db.raw(A_MINUTE_LATER)
        holder = await idle_station.freeze_at("before:actors.fetch:_fetch", **rented)

        late.process.send_signal(signal.SIGCONT)
        await eventually(lambda: late.lines("stage_interrupted"))
        late.stop()
        held = await idle_station.services.leases.held()
        holder.process.send_signal(signal.SIGCONT)
        row = await idle_station.ended(again)

    assert held == {again}
    assert (row["status"], row["attempts"]) == (Status.PENDING_CLEANUP, 2)
