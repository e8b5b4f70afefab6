"""Rates: token buckets that all processes of a node draw from, kept in Redis.

Each bucket is one number, the time at which all that was taken will have been paid for (the
generic cell rate algorithm), so that a reservation is one call and streams that reserve in turn
get equal shares.
"""

from dataclasses import dataclass
from typing import cast

from redis.asyncio import Redis

BURST_S = 0.25
"""What an idle bucket may hand out at once. Less, and a timer that fires late loses its share."""

_MANY = 1_000

# KEYS: buckets. ARGV: bytes, the burst in seconds, then the rate of each bucket in bytes a second.
_RESERVE = """
local t = redis.call('TIME') local now = t[1] + t[2] / 1000000
local wait = 0
for i, key in ipairs(KEYS) do
    local paid = math.max(tonumber(redis.call('GET', key) or 0), now - ARGV[2])
    wait = math.max(wait, paid - now)
    paid = paid + ARGV[1] / ARGV[i + 2]
    local ms = math.max(math.ceil((paid - now) * 1000), 0) + 1000
    redis.call('SET', key, string.format('%.6f', paid), 'PX', ms)
end
return string.format('%.6f', wait)"""


@dataclass(frozen=True, slots=True)
class Bucket:
    """A limit that streams share.

    Attributes:
        name: Of all streams of a node, or of one user's there.
        bytes_per_s: 1 or more.
    """

    name: str
    bytes_per_s: int


class Rates:
    """The buckets in Redis. A call raises RedisFault."""

    def __init__(self, redis: Redis) -> None:
        self._reserve = redis.register_script(_RESERVE)

    async def reserve(self, buckets: list[Bucket], size_bytes: int) -> float:
        """Take bytes out of every bucket; return the seconds to wait before sending them.

        Args:
            size_bytes: Below 0 to give back what will not be sent.
        """
        answer = await self._reserve(
            [f"vasset:rate:{bucket.name}" for bucket in buckets],
            [size_bytes, BURST_S, *(bucket.bytes_per_s for bucket in buckets)],
        )
        return float(cast("str", answer))


class LocalRates:
    """The same buckets for this process alone, while Redis is away."""

    def __init__(self) -> None:
        self._paid: dict[str, float] = {}

    def reserve(self, buckets: list[Bucket], size_bytes: int, now: float) -> float:
        """Take bytes out of every bucket; return the seconds to wait before sending them."""
        wait = 0.0
        for bucket in buckets:
            paid = max(self._paid.get(bucket.name, 0.0), now - BURST_S)
            wait = max(wait, paid - now)
            self._paid[bucket.name] = paid + size_bytes / bucket.bytes_per_s
        # What is paid for says no more than no entry at all.
        if len(self._paid) > _MANY:
            self._paid = {name: paid for name, paid in self._paid.items() if paid > now - BURST_S}
        return wait
