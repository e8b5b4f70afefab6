"""Metrics: what the fleet has done, from the rows, so that every web process says the same.

Requests, logins that were refused and open sockets are those of this process alone; Prometheus
adds them up.
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
from web.front import Front, front
from web.metrics.nodes import of_nodes
from web.metrics.pipeline import of_pipeline
from web.openapi.operations import Operation, operation

_REFUSALS = {outcome.value for outcome in Outcome if outcome.is_refusal}

blueprint = Blueprint("metrics", __name__)


@blueprint.get("/metrics")
@operation(Operation(tag="health", answers={200: "text/plain"}, is_public=True))
async def metrics() -> Response:
    """Return the metrics in Prometheus' text format."""
    here = front()
    text = await here.scrapes.text(lambda: _read(here))
    return Response(text, content_type=CONTENT_TYPE_PLAIN_0_0_4)


async def _read(here: Front) -> bytes:
    services = here.services
    counted = await services.counters.all()
    told = _Told(
        [
            *await of_pipeline(services, counted),
            *await of_nodes(services, counted),
            *_proxies(await services.exits.counts(), await services.exits.cooling()),
            *_deliveries(await services.deliveries.totals()),
            *_webhooks(await services.webhooks.counts()),
            *_of_this_process(here),
        ]
    )
    return generate_latest(told)


class _Told(Collector):
    """A registry of what was just read."""

    def __init__(self, families: Sequence[Metric]) -> None:
        self._families = families

    def collect(self) -> Iterable[Metric]:
        return self._families


def _proxies(counts: Sequence[Row], exits_cooling: int) -> Iterable[Metric]:
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
        value=exits_cooling,
    )
    return seconds, acquired, failed, cost, cooling


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
    return *front.meter.collect(), refused, sockets
