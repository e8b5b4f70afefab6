"""Downloads through a rented proxy: a real one with a password, from a fake third party."""

import json
from collections.abc import Generator

import pytest

from domain.states import Status
from tests.support.dead_proxy import DeadProxy
from tests.support.provider import Mood, Provider
from tests.support.proxy import ForwardProxy
from tests.support.site import Site
from tests.support.station import Station
from tests.support.waiting import eventually


@pytest.fixture(scope="module")
def proxy() -> Generator[ForwardProxy]:
    with ForwardProxy() as proxy:
        yield proxy


async def test_every_byte_goes_through_the_proxy_of_the_list(
    idle_station: Station, site: Site, proxy: ForwardProxy
) -> None:
    await idle_station.start_worker(
        VASSET_PROXY__PROVIDER="list", VASSET_PROXY__LIST=json.dumps([proxy.url])
    )
    proxy.forget()

    row = await idle_station.ended(await idle_station.submit(site.url("/clips/20.mp4")))

    assert row["status"] == Status.PENDING_CLEANUP
    assert sum(passage.bytes_received for passage in proxy.journal) >= row["file_size"]
    assert {passage.port for passage in proxy.journal} == {site.port}


async def test_the_third_partys_answer_is_used_and_its_password_kept_from_the_log(
    idle_station: Station, site: Site, proxy: ForwardProxy
) -> None:
    with Provider([proxy.url]) as third_party:
        third_party.script(Mood.FAULT, Mood.HTML)
        worker = await idle_station.start_worker(
            VASSET_PROXY__PROVIDER="http",
            VASSET_PROXY__ENDPOINT=third_party.endpoint,
            VASSET_PROXY__API_KEY=third_party.key,
        )
        proxy.forget()

        row = await idle_station.ended(await idle_station.submit(site.url("/clips/21.mp4")))

    log = worker.log.read_text()
    # A provider that fails costs the download no attempt of its own.
    assert (row["status"], row["attempts"]) == (Status.PENDING_CLEANUP, 1)
    assert proxy.journal
    assert f"{proxy.user}:{proxy.password}" not in log
    assert third_party.key not in log


async def test_no_download_ever_goes_round_a_proxy_that_refuses_it(
    idle_station: Station, site: Site, proxy: ForwardProxy
) -> None:
    await idle_station.start_worker(
        VASSET_PROXY__PROVIDER="list",
        VASSET_PROXY__LIST=json.dumps([proxy.url_without_password]),
        VASSET_PROXY__PATIENCE_S="1",
    )

    row = await idle_station.ended(await idle_station.submit(site.url("/clips/122.mp4")))

    assert (row["status"], row["error_code"]) == (Status.FAILED, "proxy_unavailable")
    assert not site.requests_for("/clips/122.mp4")


async def test_a_provider_that_never_answers_fails_the_download_by_its_name(
    idle_station: Station, site: Site
) -> None:
    with Provider(["http://127.0.0.1:1"]) as third_party:
        third_party.mood = Mood.UNPAID
        await idle_station.start_worker(
            VASSET_PROXY__PROVIDER="http",
            VASSET_PROXY__ENDPOINT=third_party.endpoint,
            VASSET_PROXY__PATIENCE_S="0",
        )

        row = await idle_station.ended(await idle_station.submit(site.url("/clips/23.mp4")))

    assert (row["status"], row["error_code"]) == (Status.FAILED, "proxy_unavailable")
    assert row["error_retryable"] is True
    assert row["attempts"] == 1


async def test_a_proxy_that_does_not_work_is_replaced_at_once_and_costs_no_attempt(
    idle_station: Station, site: Site, proxy: ForwardProxy
) -> None:
    with DeadProxy() as dead:
        await idle_station.start_worker(
            VASSET_PROXY__PROVIDER="list", VASSET_PROXY__LIST=json.dumps([dead.url, proxy.url])
        )
        rows = [
            await idle_station.ended(await idle_station.submit(site.clip_url(number)))
            for number in (24, 25, 26)
        ]
        connections = dead.connections

    exits = {row["exit_name"]: row for row in await idle_station.services.exits.all(10)}
    ways = [(row["status"], row["attempts"], row["exit_name"]) for row in rows]
    assert ways == [(Status.PENDING_CLEANUP, 1, f"127.0.0.1:{proxy.port}")] * 3
    assert connections <= 4
    assert exits[f"127.0.0.1:{dead.port}"]["cooling_until"] is not None
    assert exits[f"127.0.0.1:{proxy.port}"]["successes"] == 3


async def test_each_lease_is_given_back_once_and_what_it_cost_is_counted(
    idle_station: Station, site: Site, proxy: ForwardProxy
) -> None:
    with Provider([proxy.url]) as third_party:
        await idle_station.start_worker(
            VASSET_PROXY__PROVIDER="http",
            VASSET_PROXY__ENDPOINT=third_party.endpoint,
            VASSET_PROXY__API_KEY=third_party.key,
            VASSET_PROXY__RELEASE="DELETE " + third_party.url("/leases/") + "{history_id}",
            VASSET_PROXY__COST="0.5",
            VASSET_DOWNLOADS__SHARE="off",
        )
        ids = [await idle_station.submit(site.clip_url(27)) for _ in range(2)]
        ids.append(await idle_station.submit(site.url("/status/404")))
        for history_id in ids:
            await idle_station.ended(history_id)
        await eventually(lambda: len(third_party.releases) == 3, what="the releases")

        paths = sorted(request.path for request in third_party.releases)

    counts = {row["outcome"]: row for row in await idle_station.services.exits.counts()}
    assert paths == [f"/leases/{history_id}" for history_id in ids]
    assert (counts["acquired"]["number"], counts["acquired"]["cost"]) == (3, 1.5)
    assert await idle_station.services.leases.held() == set()


async def test_the_downloads_of_a_sticky_site_share_one_exit(
    idle_station: Station, site: Site, proxy: ForwardProxy
) -> None:
    with Provider([proxy.url]) as third_party:
        await idle_station.start_worker(
            VASSET_PROXY__PROVIDER="http",
            VASSET_PROXY__ENDPOINT=third_party.endpoint,
            VASSET_PROXY__API_KEY=third_party.key,
            VASSET_PROXY__STICKY_SITES='["127.0.0.1"]',
        )
        await idle_station.services.leases.forget_site("127.0.0.1")
        for number in (28, 29):
            await idle_station.ended(await idle_station.submit(site.clip_url(number)))

        asked = len(third_party.acquisitions)

    await idle_station.services.leases.forget_site("127.0.0.1")
    assert asked == 1
