"""Every proxy that a provider rents out is used or given back, whatever becomes of who asked."""

import signal
from collections.abc import Generator

import pytest

from domain.states import Status
from tests.proof.test_crash_points import A_MINUTE_LATER
from tests.support.provider import Mood, Provider
from tests.support.proxy import ForwardProxy
from tests.support.site import Site
from tests.support.station import Station
from tests.support.waiting import eventually


@pytest.fixture
def third_party() -> Generator[Provider]:
    with ForwardProxy() as proxy, Provider([proxy.url]) as provider:
        provider.mood = Mood.SLOW
        provider.delay_s = 2.0
        yield provider


def rented(third_party: Provider) -> dict[str, str]:
    return {
        "VASSET_PROXY__PROVIDER": "http",
        "VASSET_PROXY__ENDPOINT": third_party.endpoint,
        "VASSET_PROXY__API_KEY": third_party.key,
        "VASSET_PROXY__RELEASE": "DELETE " + third_party.url("/leases/") + "{exit}",
    }


async def test_a_cancel_while_the_provider_answers_gives_the_proxy_back(
    idle_station: Station, site: Site, third_party: Provider
) -> None:
    await idle_station.start_worker(**rented(third_party))
    ids = [await idle_station.submit(site.clip_url(number)) for number in (150, 151, 152)]
    await eventually(lambda: len(third_party.acquisitions) == 3)

    for history_id in ids:
        await idle_station.services.downloads.cancel(history_id, idle_station.user.user_id)
        await idle_station.services.feed.wish_cancelled(history_id)

    rows = [await idle_station.ended(history_id) for history_id in ids]
    await eventually(lambda: len(third_party.releases) == 3)
    assert [row["status"] for row in rows] == [Status.CANCELLED] * 3


async def test_a_stop_while_the_provider_answers_gives_the_proxy_back(
    idle_station: Station, site: Site, third_party: Provider
) -> None:
    worker = await idle_station.start_worker(**rented(third_party))
    for number in (153, 154):
        await idle_station.submit(site.clip_url(number))
    await eventually(lambda: len(third_party.acquisitions) == 2)

    status = worker.stop()

    assert status == 0
    assert len(third_party.acquisitions) == 2
    assert len(third_party.releases) == 2


async def test_a_proxy_that_comes_after_the_timeout_is_given_back(
    idle_station: Station, site: Site, third_party: Provider
) -> None:
    third_party.script(Mood.SLOW)
    third_party.mood = Mood.JSON
    history_id = await idle_station.submit(site.clip_url(156))

    await idle_station.start_worker(**rented(third_party), VASSET_PROXY__TIMEOUT_S="1")

    row = await idle_station.ended(history_id)
    assert row["status"] == Status.PENDING_CLEANUP
    await eventually(lambda: len(third_party.releases) == 2)
    assert len(third_party.acquisitions) == 2


async def test_who_wakes_up_with_a_proxy_for_a_download_of_another_gives_it_back(
    idle_station: Station, site: Site, third_party: Provider
) -> None:
    third_party.mood = Mood.JSON
    url = site.held_url(155)
    history_id = await idle_station.submit(url)
    late = await idle_station.freeze_at("before:storage.leases:Leases.keep", **rented(third_party))
    await idle_station.services.db.raw(A_MINUTE_LATER)
    holder = await idle_station.start_worker(**rented(third_party))
    await eventually(lambda: holder.lines("fetch_started"), timeout_s=90)

    late.process.send_signal(signal.SIGCONT)

    await eventually(lambda: len(third_party.releases) == 1)
    assert await idle_station.services.leases.held() == {history_id}
    site.hurry(url)
    row = await idle_station.ended(history_id)
    assert row["status"] == Status.PENDING_CLEANUP
    await eventually(lambda: len(third_party.releases) == 2)
    assert len(third_party.acquisitions) == 2


# Point 14 of tests/proof/test_crash_points.py. A lease that was never kept is lost to all: the
# provider's own lifetime ends it (docs/decisions/0011-proxies.md).
@pytest.mark.parametrize(("when", "lost"), [("before", 1), ("after", 0)])
async def test_a_death_with_a_rented_proxy_loses_no_download_and_no_lease_that_was_kept(
    idle_station: Station, site: Site, third_party: Provider, when: str, lost: int
) -> None:
    third_party.mood = Mood.JSON
    history_id = await idle_station.submit(site.clip_url(157))
    await idle_station.die_at(f"{when}:storage.leases:Leases.keep", **rented(third_party))
    await idle_station.services.db.raw(A_MINUTE_LATER)

    await idle_station.start_worker(**rented(third_party))

    row = await idle_station.ended(history_id)
    assert row["status"] == Status.PENDING_CLEANUP
    await eventually(lambda: len(third_party.releases) == 2 - lost)
    assert len(third_party.acquisitions) == 2
