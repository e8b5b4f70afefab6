"""What administrators see, and what everybody may measure."""

from datetime import timedelta

import httpx
from prometheus_client.parser import text_string_to_metric_families

from storage.exits import ACQUIRED
from tests.web.conftest import Member, Site


async def some_history(site: Site) -> None:
    await site.front.services.db.raw("TRUNCATE exits, proxy_counts")
    exits = site.front.services.exits
    await exits.count("http", ACQUIRED, seconds=0.5, cost=0.25)
    await exits.count("http", ACQUIRED, seconds=1.5, cost=0.25)
    await exits.count("http", "http_402", seconds=1.0)
    await exits.praise("a.example:81")
    await exits.blame("b.example:82", timedelta(hours=1))
    await site.front.services.nodes.beat("node-a", "", sandbox="full")


async def test_an_administrator_sees_what_the_proxies_did(site: Site, member: Member) -> None:
    await some_history(site)
    await site.front.services.db.raw(
        f"UPDATE users SET role = 'admin' WHERE user_id = {member.user_id}"
    )

    answer = await member.http.get("/admin/proxies")

    told = answer.json()
    exits = {row["exit_name"]: row for row in told["exits"]}
    assert answer.status_code == 200
    assert (told["acquisitions"], told["failures"], told["cost"]) == (2, 1, 0.5)
    assert exits["a.example:81"]["cooling_until"] is None
    assert exits["b.example:82"]["cooling_until"] is not None


async def test_nobody_else_does(site: Site, member: Member) -> None:
    async with httpx.AsyncClient(base_url=site.url, timeout=30) as stranger:
        without = await stranger.get("/api/v1/admin/proxies")
    answer = await member.http.get("/admin/proxies")

    assert without.status_code == 401
    assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")


async def test_the_metrics_say_the_same_as_the_rows(site: Site) -> None:
    await some_history(site)

    async with httpx.AsyncClient(base_url=site.url, timeout=30) as http:
        answer = await http.get("/metrics")

    samples = {
        (sample.name, *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }
    assert answer.headers["Content-Type"].startswith("text/plain; version=0.0.4")
    assert samples["vasset_proxy_acquisitions_total", "http"] == 2
    assert samples["vasset_proxy_failures_total", "http_402"] == 1
    assert samples["vasset_proxy_acquire_seconds_sum",] == 3.0
    assert samples["vasset_proxy_acquire_seconds_count",] == 3
    assert samples["vasset_proxy_cost_total", "http"] == 0.5
    assert samples["vasset_proxy_exits_cooling",] == 1
    assert samples["vasset_sandbox_level", "full", "node-a"] == 1
