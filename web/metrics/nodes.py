"""Metrics of the nodes: whether they live, their disks, their clean-up, what they send."""

from collections.abc import Iterable, Sequence

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

from runtime.services import Services
from storage.counters import Counter
from storage.db import Row
from storage.redis_door import RedisFault
from storage.slots import Slots
from web.metrics.pipeline import counts_of

_DISK_GAUGES = {
    "disk_used_ratio": "Share of a node's disk that is in use.",
    "disk_free_bytes": "Bytes free on a node's disk.",
    "disk_reserved_bytes": "Bytes reserved for what a node is downloading.",
    "staging_bytes": "Bytes that a node's unfinished downloads take up.",
}
_CLEANUP_GAUGES = {
    "cleanup_lag_seconds": "Seconds for which the oldest expired file should have been gone.",
    "cleanup_last_success_timestamp_seconds": (
        "When a clean-up last left nothing behind, in seconds since 1970; 0: never."
    ),
}


async def of_nodes(services: Services, counted: Sequence[Row]) -> Iterable[Metric]:
    """Return what each node has told; gauges of a silent one would be of the past."""
    nodes = await services.nodes.all()
    living = [row for row in nodes if row["alive"]]
    faults = await services.assets.fault_counts()
    return [
        *_lives(nodes),
        _sandboxes(living),
        *_disks(living),
        *_cleanups([row for row in await services.nodes.cleanups() if row["alive"]]),
        *_cleaned([row["node"] for row in nodes], counted),
        _faults(faults),
        *await _active(services.slots, [row["node"] for row in living]),
    ]


def _lives(nodes: Sequence[Row]) -> Iterable[Metric]:
    up = GaugeMetricFamily(
        "vasset_node_up", "1 if a node was heard of within a minute, else 0.", labels=["node"]
    )
    draining = GaugeMetricFamily(
        "vasset_node_draining", "1 if a node is to take nothing new, else 0.", labels=["node"]
    )
    for row in nodes:
        up.add_metric([row["node"]], row["alive"])
        draining.add_metric([row["node"]], row["draining"])
    return up, draining


def _sandboxes(living: Sequence[Row]) -> Metric:
    level = GaugeMetricFamily(
        "vasset_sandbox_level",
        "1 for the level of the sandbox that is in force on a node.",
        labels=["node", "level"],
    )
    for row in living:
        level.add_metric([row["node"], row["sandbox"] or "unknown"], 1)
    return level


def _disks(living: Sequence[Row]) -> Iterable[Metric]:
    """Return how full the disks are, of the nodes that could look at theirs."""
    families = {
        name: GaugeMetricFamily(f"vasset_{name}", told, labels=["node"])
        for name, told in _DISK_GAUGES.items()
    }
    for row in living:
        total, free = row["disk_total_bytes"], row["disk_free_bytes"]
        if total is None:
            continue
        figures = {
            "disk_used_ratio": 1 - free / total,
            "disk_reserved_bytes": row["reserved_bytes"],
        }
        numbers = {**row, **figures}
        for name, family in families.items():
            family.add_metric([row["node"]], numbers[name])
    return families.values()


def _cleanups(living: Sequence[Row]) -> Iterable[Metric]:
    families = [
        GaugeMetricFamily(f"vasset_{name}", told, labels=["node"])
        for name, told in _CLEANUP_GAUGES.items()
    ]
    for row in living:
        for family, number in zip(families, (row["lag_s"], row["cleaned_at"]), strict=True):
            family.add_metric([row["node"]], number)
    return families


def _cleaned(nodes: Sequence[str], counted: Sequence[Row]) -> Iterable[Metric]:
    deleted = CounterMetricFamily(
        "vasset_cleanup_deleted",
        "Files deleted: they had expired, or their owner deleted the record.",
        labels=["node"],
    )
    failed = CounterMetricFamily(
        "vasset_cleanup_failures", "Tries to delete a file that failed.", labels=["node"]
    )
    families = {Counter.CLEANUP_DELETED: deleted, Counter.CLEANUP_FAILURES: failed}
    for counter, family in families.items():
        for (node,), number in ({(n,): 0.0 for n in nodes} | counts_of(counted, counter)).items():
            family.add_metric([node], number)
    return families.values()


def _faults(counts: Sequence[Row]) -> Metric:
    faulty = GaugeMetricFamily(
        "vasset_assets_faulty",
        "Files that are not as their rows say, by what is wrong with them.",
        labels=["node", "fault"],
    )
    for row in counts:
        faulty.add_metric([row["node"], row["fault"]], row["number"])
    return faulty


async def _active(slots: Slots, living: Sequence[str]) -> Iterable[Metric]:
    """Return nothing while Redis is away: no number would be true."""
    active = GaugeMetricFamily(
        "vasset_deliveries_active", "Files that a node is sending now.", labels=["node"]
    )
    try:
        for node in living:
            active.add_metric([node], await slots.active(node))
    except RedisFault:
        return ()
    return (active,)
