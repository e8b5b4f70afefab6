"""Pacing: how fast a stream may go, and how slow it may be taken."""

import asyncio
from collections.abc import Sequence
from time import monotonic

from runtime.settings import Delivery
from storage.deliveries import Outcome
from storage.rates import Bucket, LocalRates, Rates
from storage.redis_door import RedisFault
from web.transport.pumps import CutError

FREE_BYTES = 16 << 20
"""What is sent at once where there is no limit; between two such pieces a reader is judged."""

SHARES_A_SECOND = 16
MIN_SHARE_BYTES = 4_096
REDIS_TIMEOUT_S = 0.5
AWAY_S = 5.0


class Pacing:
    """The bandwidth of the node and of each user; shared with its other processes by Redis."""

    def __init__(self, rates: Rates, delivery: Delivery, *, node: str) -> None:
        self._rates = rates
        self._alone = LocalRates()
        self._delivery = delivery
        self._node = node
        self._away_until = 0.0

    def of(self, user_id: int) -> "Pace":
        """Return the pace of a new stream of a user."""
        per_user, total = self._delivery.per_user_bytes_per_s, self._delivery.total_bytes_per_s
        buckets = [
            *([Bucket(f"{self._node}:{user_id}", per_user)] if per_user else []),
            *([Bucket(f"{self._node}:total", total)] if total else []),
        ]
        return Pace(self, buckets)

    async def wait(self, buckets: Sequence[Bucket], size_bytes: int) -> None:
        """Wait until so many bytes may be sent."""
        if not buckets:
            return
        reserving = asyncio.ensure_future(self._reserve(list(buckets), size_bytes))
        try:
            await asyncio.sleep(await asyncio.shield(reserving))
        except asyncio.CancelledError:
            # Or who asks and leaves, again and again, would use up what is there for all.
            await reserving
            await self._reserve(list(buckets), -size_bytes)
            raise

    async def _reserve(self, buckets: list[Bucket], size_bytes: int) -> float:
        """Return the seconds to wait; while Redis is away this process counts alone."""
        if monotonic() >= self._away_until:
            try:
                async with asyncio.timeout(REDIS_TIMEOUT_S):
                    return await self._rates.reserve(buckets, size_bytes)
            except (*RedisFault, TimeoutError):
                self._away_until = monotonic() + AWAY_S
        return self._alone.reserve(buckets, size_bytes, monotonic())


class Pace:
    """The pace of one stream.

    Attributes:
        share_bytes: What it takes at once. Each stream has one reservation at a time, so those
            of one bucket get equal shares in turn.
    """

    def __init__(self, pacing: Pacing, buckets: Sequence[Bucket]) -> None:
        self._pacing = pacing
        self._buckets = buckets
        slowest = min((bucket.bytes_per_s for bucket in buckets), default=0)
        share = max(slowest // SHARES_A_SECOND, MIN_SHARE_BYTES)
        self.share_bytes = min(share, FREE_BYTES) if buckets else FREE_BYTES

    async def wait(self, size_bytes: int) -> None:
        """Wait until so many bytes may be sent; ``share_bytes`` at most."""
        await self._pacing.wait(self._buckets, size_bytes)


class Patience:
    """Judges how fast a client takes what it is sent, by the time that it is waited for.

    Args:
        min_bytes_per_s: A client that is slower is cut off; 0 lets every one go on.
        window_s: Over so long a wait.
    """

    def __init__(self, min_bytes_per_s: int, window_s: float) -> None:
        self._min_bytes = min_bytes_per_s * window_s
        self._window_s = window_s
        self._waited_s = 0.0
        self._taken = 0

    @property
    def left_s(self) -> float:
        """Return how long the client may be waited for until it is judged; above 0."""
        return max(self._window_s - self._waited_s, 0.001)

    def note(self, waited_s: float, taken: int) -> None:
        """Note that the client was waited for, and took so many bytes meanwhile.

        Raises:
            CutError: It has been too slow for a whole window.
        """
        self._waited_s += waited_s
        self._taken += taken
        if self._waited_s >= self._window_s:
            if self._taken < self._min_bytes:
                raise CutError(Outcome.TOO_SLOW)
            self._waited_s, self._taken = 0.0, 0
