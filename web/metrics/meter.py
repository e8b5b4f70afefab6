"""The meter: how long this process took to answer, by route, method and status."""

from collections.abc import Iterable

from prometheus_client import Histogram, disable_created_metrics
from prometheus_client.core import Metric

_BOUNDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})

# One more series for each there is, of which no query asks.
disable_created_metrics()


class Meter:
    """Counts requests; whatever clients send, the labels are of a few words."""

    def __init__(self) -> None:
        self._seconds = Histogram(
            "vasset_http_request_seconds",
            "Seconds from the head of a request to the last byte of its answer.",
            ["route", "method", "status"],
            # Of each app its own: there may be several in a process.
            registry=None,
            buckets=_BOUNDS,
        )

    def count(self, route: str | None, method: str, status: int, seconds: float) -> None:
        """Count an answer.

        Args:
            route: The pattern; None for an address that is nothing here.
            status: 0 if the client was gone before there was one.
        """
        known = method if method in _METHODS else "other"
        self._seconds.labels(route or "unknown", known, str(status)).observe(seconds)

    def collect(self) -> Iterable[Metric]:
        """Return what was counted since the process began."""
        return self._seconds.collect()
