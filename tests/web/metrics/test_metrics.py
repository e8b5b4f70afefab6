"""What is measured of assets and deliveries."""

from collections.abc import AsyncGenerator

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from storage.assets import AssetFault
from storage.deliveries import Deliveries, Outcome, Tally
from storage.disk import Disk
from storage.slots import SlotLimits, Slots, Stream
from tests.support.archive import Archive
from tests.support.valkey import Valkey
from tests.support.waiting import eventually
from tests.web.conftest import Serve, Site, register
from tests.web.watching import heard, socket_of

Samples = dict[tuple[str, ...], float]
LIMITS = SlotLimits(per_node=9, per_user=9)


@pytest.fixture
async def site(serve: Serve) -> AsyncGenerator[Site]:
    """A server on an empty database."""
    async with serve() as site:
        yield site


async def measured(site: Site) -> Samples:
    """Return what the server says by name and labels, as a scraper reads it."""
    async with httpx.AsyncClient(base_url=site.url, timeout=30) as http:
        answer = await http.get("/metrics")
    assert answer.status_code == 200, answer.text
    return {
        (sample.name, *(text for _, text in sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }


def of(samples: Samples, prefix: str) -> Samples:
    """Return the samples whose name begins so."""
    return {key: number for key, number in samples.items() if key[0].startswith(prefix)}


async def test_faults_are_counted_by_node_and_kind(site: Site) -> None:
    services = site.front.services
    archive = await Archive.create(services.db, site.root)
    elsewhere = Archive(services.db, archive.files, archive.user, node="node-b")
    kept = [await archive.add(b"film") for _ in range(4)]
    await services.assets.mark(kept[0].history_id, AssetFault.MISSING)
    await services.assets.mark(kept[1].history_id, AssetFault.CORRUPT)
    await services.assets.mark(kept[2].history_id, AssetFault.CORRUPT)
    other = await elsewhere.add(b"film")
    await services.assets.mark(other.history_id, AssetFault.CHANGED)

    faulty = of(await measured(site), "vasset_assets_faulty")
    await services.assets.mend(kept[0].history_id, AssetFault.MISSING)
    mended = of(await measured(site), "vasset_assets_faulty")

    assert faulty == {
        ("vasset_assets_faulty", "missing", "node-a"): 1,
        ("vasset_assets_faulty", "corrupt", "node-a"): 2,
        ("vasset_assets_faulty", "changed", "node-b"): 1,
    }
    assert ("vasset_assets_faulty", "missing", "node-a") not in mended


async def test_deliveries_are_counted_over_all_nodes_apart_from_refusals(site: Site) -> None:
    services = site.front.services
    await services.deliveries.add({}, {Outcome.SENT: Tally(3, 300), Outcome.NODE_FULL: Tally(4)})
    await Deliveries(services.db, node="node-b").add(
        {},
        {Outcome.SENT: Tally(1, 50), Outcome.CLIENT_GONE: Tally(2, 7), Outcome.FAULTY: Tally(1)},
    )

    samples = of(await measured(site), "vasset_deliver")

    assert samples == {
        ("vasset_deliveries_total", "sent"): 4,
        ("vasset_deliveries_total", "client_gone"): 2,
        ("vasset_deliveries_rejected_total", "node_full"): 4,
        ("vasset_deliveries_rejected_total", "faulty"): 1,
        ("vasset_delivery_bytes_total",): 357,
    }


async def test_what_is_sent_now_is_told_of_each_node_that_lives(serve: Serve) -> None:
    with Valkey() as own:
        async with serve(redis={"url": own.url}) as site:
            services = site.front.services
            for node in ("node-a", "node-b", "node-c"):
                await services.nodes.beat(node, "", sandbox="full")
            await services.db.raw(
                "UPDATE nodes SET heartbeat_at = '-infinity' WHERE node > 'node-b'"
            )
            for node, content in (("node-a", "1"), ("node-a", "2"), ("node-c", "3")):
                stream = Stream(user_id=1, content=content, token=content)
                await Slots(services.redis, node=node).enter(stream, LIMITS)

            active = of(await measured(site), "vasset_deliveries_active")

    assert active == {
        ("vasset_deliveries_active", "node-a"): 2,
        ("vasset_deliveries_active", "node-b"): 0,
    }


async def test_the_disk_of_each_node_that_has_told_is_measured(site: Site) -> None:
    nodes = site.front.services.nodes
    disk = Disk(total_bytes=1_000, free_bytes=250, staging_bytes=30, spare_bytes=50)
    await nodes.beat("node-a", "", sandbox="full", disk=disk)
    await nodes.beat("node-b", "", sandbox="full")

    told = await measured(site)

    assert of(told, "vasset_disk") == {
        ("vasset_disk_used_ratio", "node-a"): 0.75,
        ("vasset_disk_free_bytes", "node-a"): 250,
        ("vasset_disk_reserved_bytes", "node-a"): 0,
    }
    assert of(told, "vasset_staging") == {("vasset_staging_bytes", "node-a"): 30}


async def test_without_redis_the_rest_is_told(serve: Serve) -> None:
    with Valkey() as own:
        async with serve(redis={"url": own.url}) as site:
            await site.front.services.nodes.beat("node-a", "", sandbox="full")
            well = await measured(site)
            own.kill()
            away = await measured(site)

    assert well["vasset_deliveries_active", "node-a"] == 0
    assert of(away, "vasset_deliveries_active") == {}
    assert away["vasset_sandbox_level", "full", "node-a"] == 1
    assert away["vasset_delivery_bytes_total",] == 0


async def test_refused_logins_are_counted_by_reason(serve: Serve) -> None:
    async with (
        serve(auth={"login_attempts_per_account": 2}) as site,
        httpx.AsyncClient(base_url=f"{site.url}/api/v1", timeout=30) as http,
    ):
        await register(http)
        for _ in range(4):
            await http.post("/auth/login", json={"email": "x@example.com", "password": "wrong one"})

        refused = of(await measured(site), "vasset_logins_refused")

    assert refused == {
        ("vasset_logins_refused_total", "wrong"): 2,
        ("vasset_logins_refused_total", "limited"): 2,
        ("vasset_logins_refused_total", "busy"): 0,
    }


async def test_open_sockets_are_counted(site: Site) -> None:
    async with httpx.AsyncClient(base_url=f"{site.url}/api/v1", timeout=30) as http:
        member = await register(http)
        async with socket_of(site, member.token) as line:
            await heard(line)
            opened = of(await measured(site), "vasset_ws_connections")

    assert opened == {("vasset_ws_connections",): 1}
    await eventually(lambda: len(site.front.hub) == 0)
