"""What is deployed to look at the metrics, held against a real scrape and Prometheus' own tool."""

import json
import re
import subprocess
from collections.abc import AsyncGenerator, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from storage.assets import AssetFault
from storage.counters import Counter
from storage.deliveries import Outcome, Tally
from storage.disk import Disk
from storage.exits import ACQUIRED
from tests.conftest import installed
from tests.support.archive import Archive
from tests.support.parts import find_program
from tests.web.conftest import Serve, Site

DEPLOYED = Path(__file__).parents[3] / "deploy"
ALERTS = DEPLOYED.parent / "docs" / "alerts.md"
RULES = (DEPLOYED / "prometheus" / "rules.yml").read_text(encoding="utf-8")
DASHBOARD: dict[str, Any] = json.loads((DEPLOYED / "grafana" / "dashboard.json").read_text())

SELECTOR = re.compile(r"\b(vasset_\w+)(?:\{([^}]*)\})?")
NODE = {"node"}
# Source: the contract, section 7; what a node tells of itself carries its name too.
CONTRACT: dict[str, set[str]] = {
    "vasset_downloads_total": {"status", "mode", "code"},
    "vasset_download_bytes_total": set(),
    "vasset_downloads_active": {"stage"},
    "vasset_queue_depth": {"queue"},
    "vasset_queue_oldest_seconds": set(),
    "vasset_stage_seconds_bucket": {"stage", "le"},
    "vasset_stage_retries_total": {"stage", "code"},
    "vasset_proxy_acquire_seconds_sum": set(),
    "vasset_proxy_failures_total": {"reason"},
    "vasset_disk_used_ratio": NODE,
    "vasset_disk_free_bytes": NODE,
    "vasset_staging_bytes": NODE,
    "vasset_deliveries_active": NODE,
    "vasset_deliveries_rejected_total": {"reason"},
    "vasset_delivery_bytes_total": set(),
    "vasset_cleanup_deleted_total": NODE,
    "vasset_cleanup_failures_total": NODE,
    "vasset_cleanup_lag_seconds": NODE,
    "vasset_cleanup_last_success_timestamp_seconds": NODE,
    "vasset_sweep_recovered_total": {"kind"},
    "vasset_http_request_seconds_bucket": {"route", "method", "status", "le"},
    "vasset_ws_connections": set(),
}


async def let_everything_happen(site: Site) -> None:
    """Let each metric that has no series before something happened have one."""
    services = site.front.services
    disk = Disk(total_bytes=1_000, free_bytes=250, staging_bytes=30, spare_bytes=50)
    await services.nodes.beat("node-a", "", sandbox="full", disk=disk)
    await services.counters.add(Counter.STAGE_RETRIES, "fetch", "stalled")
    for outcome in (ACQUIRED, "http_402"):
        await services.exits.count("http", outcome, seconds=1)
    tallies = {Outcome.SENT: Tally(1, 5), Outcome.NODE_FULL: Tally(1)}
    await services.deliveries.add({}, tallies)
    await services.db.raw("INSERT INTO webhook_counts VALUES ('delivered', 1)")
    archive = await Archive.create(services.db, site.root)
    await services.assets.mark((await archive.add(b"film")).history_id, AssetFault.CORRUPT)


@pytest.fixture
async def scrape(serve: Serve) -> AsyncGenerator[str]:
    async with serve() as site, httpx.AsyncClient(base_url=site.url, timeout=30) as http:
        await let_everything_happen(site)
        await http.get("/healthz")
        yield (await http.get("/metrics")).text


def labels_of(scrape: str) -> dict[str, set[str]]:
    """Return the labels of each series name."""
    return {
        sample.name: set(sample.labels)
        for family in text_string_to_metric_families(scrape)
        for sample in family.samples
    }


def queries() -> Iterator[tuple[str, str]]:
    """Yield each query of the dashboard and how what it finds is named."""
    for panel in DASHBOARD["panels"]:
        for target in panel.get("targets", []):
            yield target["expr"], target["legendFormat"]


def promtool(*words: str | Path, given: str = "") -> str:
    """Run Prometheus' tool, which must be content, and return what it says."""
    program = installed(lambda: find_program("promtool", "apt-get install prometheus"))
    done = subprocess.run(  # noqa: S603 - found on PATH
        [program, *words], input=given, capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def test_the_rules_fire_when_they_should_and_not_before() -> None:
    promtool("check", "config", DEPLOYED / "prometheus" / "prometheus.yml")
    told = promtool("test", "rules", DEPLOYED / "prometheus" / "rules_test.yml")

    assert "SUCCESS" in told


async def test_prometheus_finds_nothing_to_say_against_a_scrape(scrape: str) -> None:
    assert promtool("check", "metrics", given=scrape) == ""


async def test_every_metric_of_the_contract_is_there_with_its_labels(scrape: str) -> None:
    labels = labels_of(scrape)

    assert {name: labels.get(name) for name in CONTRACT} == CONTRACT


async def test_every_query_asks_for_what_there_is(scrape: str) -> None:
    known = labels_of(scrape)
    unknown: list[str] = []
    for query, legend in [*queries(), (RULES, "")]:
        found: set[str] = {"instance"}
        for name, selector in SELECTOR.findall(query):
            labels = known.get(name, set())
            asked = set(re.findall(r"(\w+)\s*(?:=~|!~|!=|=)", selector))
            if name not in known or not asked <= labels:
                unknown.append(f"{name} {asked}")
            found |= labels
        kept = {word for by in re.findall(r"\bby \(([^)]*)\)", query) for word in by.split(", ")}
        shown = set(re.findall(r"\{\{(\w+)\}\}", legend))
        if not shown | kept <= found or (kept and not shown <= kept):
            unknown.append(f"{query}: {shown} {kept}")

    assert unknown == []
    assert len(list(queries())) > 30


def test_every_query_of_the_dashboard_is_one(tmp_path: Path) -> None:
    rules = [
        {
            "record": f"panel:{number}",
            "expr": query.replace("$__rate_interval", "5m").replace("$node", ".*"),
        }
        for number, (query, _) in enumerate(queries())
    ]
    file = tmp_path / "rules.yml"
    file.write_text(json.dumps({"groups": [{"name": "dashboard", "rules": rules}]}))

    assert f"{len(rules)} rules found" in promtool("check", "rules", file)


def test_panels_do_not_lie_on_each_other() -> None:
    taken = [
        (panel["gridPos"]["x"] + x, panel["gridPos"]["y"] + y)
        for panel in DASHBOARD["panels"]
        for x in range(panel["gridPos"]["w"])
        for y in range(panel["gridPos"]["h"])
    ]

    assert len(taken) == len(set(taken))
    assert max(x for x, _ in taken) < 24
    assert len({panel["id"] for panel in DASHBOARD["panels"]}) == len(DASHBOARD["panels"])


def test_of_every_alert_it_is_written_what_to_do() -> None:
    alerts = re.findall(r"- alert: (\w+)", RULES)
    headings = re.findall(r"^## (\w+)$", ALERTS.read_text(encoding="utf-8"), re.MULTILINE)

    assert headings == alerts
    assert re.findall(r"runbook: docs/alerts.md#(\w+)", RULES) == [a.lower() for a in alerts]
    assert RULES.count("summary:") == RULES.count("description:") == len(alerts)
