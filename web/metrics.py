"""Metrics: what the fleet has done, from the rows, so that every web process says the same."""

from collections.abc import Iterable, Sequence

from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    Metric,
    SummaryMetricFamily,
)
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest
from prometheus_client.registry import Collector
from quart import Blueprint, Response

from storage.db import Row
from storage.exits import ACQUIRED
from web.front import front
from web.operations import Operation, operation

_MAX_EXITS = 10_000

blueprint = Blueprint("metrics", __name__)


@blueprint.get("/metrics")
@operation(Operation(tag="health", answers={200: "text/plain"}, is_public=True))
async def metrics() -> Response:
    """Return the metrics in Prometheus' text format."""
    services = front().services
    told = _Told(
        [
            *_proxies(await services.exits.counts(), await services.exits.all(_MAX_EXITS)),
            *_sandboxes(await services.nodes.all()),
        ]
    )
    return Response(generate_latest(told), content_type=CONTENT_TYPE_PLAIN_0_0_4)


class _Told(Collector):
    """A registry of what was just read."""

    def __init__(self, families: Sequence[Metric]) -> None:
        self._families = families

    def collect(self) -> Iterable[Metric]:
        return self._families


def _proxies(counts: Sequence[Row], exits: Sequence[Row]) -> Iterable[Metric]:
    seconds = SummaryMetricFamily(
        "vasset_proxy_acquire_seconds",
        "Seconds that the proxy provider took for an answer, whatever it was.",
        count_value=sum(row["number"] for row in counts),
        sum_value=sum(row["seconds"] for row in counts),
    )
    acquired = CounterMetricFamily(
        "vasset_proxy_acquisitions", "Proxies that a provider gave.", labels=["provider"]
    )
    failed = CounterMetricFamily(
        "vasset_proxy_failures", "Acquisitions that failed, by reason.", labels=["reason"]
    )
    cost = CounterMetricFamily(
        "vasset_proxy_cost",
        "What the proxies cost, in the unit of proxy.cost.",
        labels=["provider"],
    )
    for row in counts:
        if row["outcome"] == ACQUIRED:
            acquired.add_metric([row["provider"]], row["number"])
            cost.add_metric([row["provider"]], row["cost"])
    reasons = sorted({row["outcome"] for row in counts} - {ACQUIRED})
    for reason in reasons:
        number = sum(row["number"] for row in counts if row["outcome"] == reason)
        failed.add_metric([reason], number)
    cooling = GaugeMetricFamily(
        "vasset_proxy_exits_cooling",
        "Exits that failed lately and are left alone.",
        value=sum(row["cooling_until"] is not None for row in exits),
    )
    return seconds, acquired, failed, cost, cooling


def _sandboxes(nodes: Sequence[Row]) -> Iterable[Metric]:
    level = GaugeMetricFamily(
        "vasset_sandbox_level",
        "1 for the level of the sandbox that is in force on a node.",
        labels=["node", "level"],
    )
    for row in nodes:
        if row["alive"]:
            level.add_metric([row["node"], row["sandbox"] or "unknown"], 1)
    return (level,)
