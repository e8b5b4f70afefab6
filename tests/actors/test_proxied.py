"""Downloads through a rented proxy: a real one with a password, from a fake third party."""

import json
from collections.abc import Generator

import pytest

from domain.states import Status
from tests.support.provider import Mood, Provider
from tests.support.proxy import ForwardProxy
from tests.support.site import Site
from tests.support.station import Station


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
    assert (row["status"], row["attempts"]) == (Status.PENDING_CLEANUP, 3)
    assert proxy.journal
    assert f"{proxy.user}:{proxy.password}" not in log
    assert third_party.key not in log


async def test_no_download_ever_goes_round_a_proxy_that_refuses_it(
    idle_station: Station, site: Site, proxy: ForwardProxy
) -> None:
    await idle_station.start_worker(
        VASSET_PROXY__PROVIDER="list",
        VASSET_PROXY__LIST=json.dumps([proxy.url_without_password]),
        VASSET_DOWNLOADS__MAX_ATTEMPTS="2",
    )

    row = await idle_station.ended(await idle_station.submit(site.url("/clips/22.mp4")))

    assert (row["status"], row["error_code"]) == (Status.FAILED, "proxy_unavailable")
    assert not site.requests_for("/clips/22.mp4")


async def test_a_provider_that_never_answers_fails_the_download_by_its_name(
    idle_station: Station, site: Site
) -> None:
    with Provider(["http://127.0.0.1:1"]) as third_party:
        third_party.mood = Mood.UNPAID
        await idle_station.start_worker(
            VASSET_PROXY__PROVIDER="http", VASSET_PROXY__ENDPOINT=third_party.endpoint
        )

        row = await idle_station.ended(await idle_station.submit(site.url("/clips/23.mp4")))

    assert (row["status"], row["error_code"]) == (Status.FAILED, "proxy_unavailable")
    assert row["error_retryable"] is True
    assert row["attempts"] == 4
