"""Downloads while Redis is away: nothing that is not rented waits for it."""

import json

from domain.states import Status
from tests.support.ports import free_port
from tests.support.provider import Provider
from tests.support.proxy import ForwardProxy
from tests.support.site import Site
from tests.support.station import Station
from tests.support.waiting import eventually


def without_redis() -> dict[str, str]:
    """Return settings under which waiting for Redis soon uses up all patience."""
    return {
        "VASSET_REDIS__URL": f"redis://127.0.0.1:{free_port()}/0",
        "VASSET_PROXY__PATIENCE_S": "1",
    }


async def test_without_a_proxy_a_download_does_not_wait_for_redis(
    idle_station: Station, site: Site
) -> None:
    await idle_station.start_worker(**without_redis())

    row = await idle_station.ended(await idle_station.submit(site.clip_url(140)))

    assert (row["status"], row["attempts"]) == (Status.PENDING_CLEANUP, 1)


async def test_a_proxy_of_the_list_does_not_wait_for_redis_either(
    idle_station: Station, site: Site
) -> None:
    with ForwardProxy() as proxy:
        await idle_station.start_worker(
            **without_redis(),
            VASSET_PROXY__PROVIDER="list",
            VASSET_PROXY__LIST=json.dumps([proxy.url]),
        )

        row = await idle_station.ended(await idle_station.submit(site.url("/clips/141.mp4")))

        assert (row["status"], row["attempts"]) == (Status.PENDING_CLEANUP, 1)
        assert proxy.journal


async def test_a_rented_proxy_waits_for_redis_without_patience_or_costs(
    idle_station: Station, site: Site
) -> None:
    with Provider(["http://127.0.0.1:1"]) as third_party:
        worker = await idle_station.start_worker(
            **without_redis(),
            VASSET_PROXY__PROVIDER="http",
            VASSET_PROXY__ENDPOINT=third_party.endpoint,
            VASSET_PROXY__API_KEY=third_party.key,
        )
        history_id = await idle_station.submit(site.clip_url(142))

        # The patience of a second is over by the second time.
        await eventually(lambda: len(worker.lines("stage_failed")) >= 2, timeout_s=90)

        row = await idle_station.row(history_id)
        asked = len(third_party.acquisitions)
    assert row["status"] in (Status.QUEUED, Status.RUNNING)
    assert row["proxy_failing_since"] is None
    assert asked == 0
