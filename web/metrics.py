"""Metrics: what the fleet has done, from the rows, so that every web process says the same.

Logins that were refused and open sockets are those of this process alone; Prometheus adds them up.
"""

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
from storage.deliveries import Outcome
from storage.exits import ACQUIRED
from storage.redis_door import RedisFault
from storage.slots import Slots
from web.front import Front, front
from web.operations import Operation, operation

_MAX_EXITS = 10_000
_DISK_GAUGES = {
    "disk_used_ratio": "Share of a node's disk that is in use.",
    "disk_free_bytes": "Bytes free on a node's disk.",
    "disk_reserved_bytes": "Bytes reserved for what a node is downloading.",
    "staging_bytes": "Bytes that a node's unfinished downloads take up.",
}
_REFUSALS = {outcome.value for outcome in Outcome if outcome.is_refusal}

blueprint = Blueprint("metrics", __name__)


@blueprint.get("/metrics")
@operation(Operation(tag="health", answers={200: "text/plain"}, is_public=True))
async def metrics() -> Response:
    """Return the metrics in Prometheus' text format."""
    services = front().services
    nodes = await services.nodes.all()
    told = _Told(
        [
            *_proxies(await services.exits.counts(), await services.exits.all(_MAX_EXITS)),
            *_sandboxes(nodes),
            *_disks(nodes),
            *_faults(await services.assets.fault_counts()),
            *_deliveries(await services.deliveries.totals()),
            *_webhooks(await services.webhooks.counts()),
            *_of_this_process(front()),
            *await _active(services.slots, [row["node"] for row in nodes if row["alive"]]),
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


def _disks(nodes: Sequence[Row]) -> Iterable[Metric]:
    """Return how full the disks are, as the last heartbeats told; nothing of a silent node."""
    families: dict[str, GaugeMetricFamily] = {
        name: GaugeMetricFamily(f"vasset_{name}", told, labels=["node"])
        for name, told in _DISK_GAUGES.items()
    }
    for row in nodes:
        total, free = row["disk_total_bytes"], row["disk_free_bytes"]
        if not row["alive"] or total is None:
            continue
        numbers = {
            **row,
            "disk_used_ratio": 1 - free / total,
            "disk_reserved_bytes": row["reserved_bytes"],
        }
        for name, family in families.items():
            family.add_metric([row["node"]], numbers[name])
    return families.values()


def _faults(counts: Sequence[Row]) -> Iterable[Metric]:
    faulty = GaugeMetricFamily(
        "vasset_assets_faulty",
        "Files that are not as their rows say, by what is wrong with them.",
        labels=["node", "fault"],
    )
    for row in counts:
        faulty.add_metric([row["node"], row["fault"]], row["number"])
    return (faulty,)


def _deliveries(totals: Sequence[Row]) -> Iterable[Metric]:
    ended = CounterMetricFamily(
        "vasset_deliveries", "Transfers that began, by how they ended.", labels=["outcome"]
    )
    rejected = CounterMetricFamily(
        "vasset_deliveries_rejected", "Transfers that were refused, by reason.", labels=["reason"]
    )
    sent = CounterMetricFamily(
        "vasset_delivery_bytes", "Bytes of files sent.", value=sum(row["bytes"] for row in totals)
    )
    for outcome in sorted({row["outcome"] for row in totals}):
        number = sum(row["number"] for row in totals if row["outcome"] == outcome)
        (rejected if outcome in _REFUSALS else ended).add_metric([outcome], number)
    return ended, rejected, sent


def _webhooks(counts: Sequence[Row]) -> Iterable[Metric]:
    attempts = CounterMetricFamily(
        "vasset_webhook_attempts", "Attempts at webhooks, by outcome.", labels=["outcome"]
    )
    for row in counts:
        attempts.add_metric([row["outcome"]], row["number"])
    return (attempts,)


def _of_this_process(front: Front) -> Iterable[Metric]:
    refused = CounterMetricFamily(
        "vasset_logins_refused", "Passwords that opened nothing, by reason.", labels=["reason"]
    )
    for reason, number in front.logins.refused.items():
        refused.add_metric([reason.value], number)
    sockets = GaugeMetricFamily(
        "vasset_ws_connections", "Progress sockets that are open.", value=len(front.hub)
    )
    return refused, sockets


async def _active(slots: Slots, nodes: Sequence[str]) -> Iterable[Metric]:
    """Return nothing while Redis is away: no number would be true."""
    active = GaugeMetricFamily(
        "vasset_deliveries_active", "Files that a node is sending now.", labels=["node"]
    )
    try:
        for node in nodes:
            active.add_metric([node], await slots.active(node))
    except RedisFault:
        return ()
    return (active,)
