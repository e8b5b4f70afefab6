"""Metrics of the pipeline: how downloads end, how long stages take, what waits."""

from collections.abc import Iterable, Sequence

from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)

from actors.broker import SHARED_QUEUE
from actors.pipeline import node_queue
from domain.failures import FailureCode
from domain.states import Mode, Stage, Status
from runtime.services import Services
from storage.counters import Counter, Recovery
from storage.db import Row

Counts = dict[tuple[str, ...], float]


async def of_pipeline(services: Services, counted: Sequence[Row]) -> Iterable[Metric]:
    """Return what all nodes together have done and have still to do."""
    waiting, oldest_s = await services.due.waiting()
    active = await services.due.active()
    nodes = [row["node"] for row in await services.nodes.all()]
    return [
        *_ends(counted),
        _stages(counted, await services.counters.stage_bounds()),
        _retries(counted),
        _recoveries(counted),
        _active(active),
        *_queues(waiting, oldest_s, active, nodes),
    ]


def counts_of(counted: Sequence[Row], counter: Counter) -> Counts:
    """Return the numbers of one counter by its labels."""
    return {tuple(row["labels"]): row["number"] for row in counted if row["counter"] == counter}


def _ends(counted: Sequence[Row]) -> Iterable[Metric]:
    ends = CounterMetricFamily(
        "vasset_downloads",
        "Ends of downloads, by the status that they ended in; a file that expires is one more.",
        labels=["status", "mode", "code"],
    )
    known = {_end(Status.EXPIRED, Mode.QUICK): 0.0}
    for mode in Mode:
        known[_end(mode.finished, mode)] = 0
        known[_end(Status.CANCELLED, mode, FailureCode.CANCELLED)] = 0
        known |= {_end(Status.FAILED, mode, code): 0 for code in FailureCode}
    for (status, mode, code), number in (known | counts_of(counted, Counter.DOWNLOADS)).items():
        ends.add_metric([Status(int(status)).label, mode, code], number)
    fetched = CounterMetricFamily(
        "vasset_download_bytes",
        "Bytes of the files that downloads ended with.",
        value=sum(counts_of(counted, Counter.DOWNLOAD_BYTES).values()),
    )
    return ends, fetched


def _end(status: Status, mode: Mode, code: str = "") -> tuple[str, str, str]:
    return str(int(status)), mode.value, code


def _stages(counted: Sequence[Row], bounds: Sequence[float]) -> Metric:
    """Return the histogram; only those buckets are in the rows that something fell into."""
    family = HistogramMetricFamily(
        "vasset_stage_seconds",
        "Seconds that a stage took, however it ended; not of one whose worker died.",
        labels=["stage"],
    )
    rows = [row for row in counted if row["counter"] == Counter.STAGE_SECONDS]
    for stage in Stage:
        here = {float(row["labels"][1]): row for row in rows if row["labels"][0] == stage}
        total, buckets = 0, list[tuple[str, float]]()
        for bound in sorted({*bounds, *here, float("inf")}):
            total += here[bound]["number"] if bound in here else 0
            buckets.append(("+Inf" if bound == float("inf") else str(bound), total))
        seconds = sum(row["amount"] for row in here.values())
        family.add_metric([stage.value], buckets, sum_value=seconds)
    return family


def _retries(counted: Sequence[Row]) -> Metric:
    family = CounterMetricFamily(
        "vasset_stage_retries",
        "Runs of a stage that failed and were to be repeated, by why.",
        labels=["stage", "code"],
    )
    for labels, number in counts_of(counted, Counter.STAGE_RETRIES).items():
        family.add_metric(labels, number)
    return family


def _recoveries(counted: Sequence[Row]) -> Metric:
    family = CounterMetricFamily(
        "vasset_sweep_recovered",
        "What a sweep has put right that a death or a lost message had left.",
        labels=["kind"],
    )
    numbers = counts_of(counted, Counter.SWEEP_RECOVERED)
    for kind in Recovery:
        family.add_metric([kind.value], numbers.get((kind.value,), 0))
    return family


def _active(active: Sequence[Row]) -> Metric:
    family = GaugeMetricFamily(
        "vasset_downloads_active", "Downloads that run, by their stage.", labels=["stage"]
    )
    for stage in Stage:
        number = sum(row["number"] for row in active if row["stage"] == stage)
        family.add_metric([stage.value], number)
    return family


def _queues(
    waiting: int, oldest_s: float, active: Sequence[Row], nodes: Sequence[str]
) -> Iterable[Metric]:
    """Return what the rows say, not the broker: of what a queue holds some may come twice."""
    depth = GaugeMetricFamily(
        "vasset_queue_depth",
        "Downloads that wait to begin, and on each node for their next stage.",
        labels=["queue"],
    )
    depth.add_metric([SHARED_QUEUE], waiting)
    for node in nodes:
        number = sum(row["unclaimed"] for row in active if row["node"] == node)
        depth.add_metric([node_queue(node)], number)
    oldest = GaugeMetricFamily(
        "vasset_queue_oldest_seconds",
        "Seconds for which the oldest queued download might have begun.",
        value=oldest_s,
    )
    return depth, oldest
