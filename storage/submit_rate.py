"""The rate of submits: a token bucket for each user that all web processes draw from, in Redis.

One number a user, the time at which all submits will have been paid for: the generic cell rate
algorithm, as in ``rates``. But there streams wait for their share, and here a submit is refused.
"""

from typing import cast

from redis.asyncio import Redis

_MINUTE_S = 60.0
_MANY = 1_000
_NOTHING_S = 0.000001
"""Sums of fractions are not quite whole minutes."""

# KEYS: the bucket. ARGV: what one submit costs, what an idle user has saved, nothing; in seconds.
_TAKE = """
local t = redis.call('TIME') local now = t[1] + t[2] / 1000000
local paid = math.max(tonumber(redis.call('GET', KEYS[1]) or 0), now) + ARGV[1]
local wait = paid - now - ARGV[2]
if wait > tonumber(ARGV[3]) then return string.format('%.6f', wait) end
redis.call('SET', KEYS[1], string.format('%.6f', paid), 'PX', math.ceil((paid - now) * 1000))
return '0'"""


class SubmitRate:
    """The buckets in Redis. A call raises RedisFault.

    Args:
        per_minute: How many submits of one user a minute; as many at once after a minute's rest.
    """

    def __init__(self, redis: Redis, *, per_minute: int) -> None:
        self._take = redis.register_script(_TAKE)
        self._cost_s = _MINUTE_S / per_minute

    async def take(self, user_id: int) -> float:
        """Count a submit and return 0, or count nothing and return the seconds until it may be."""
        answer = await self._take(
            [f"vasset:submits:{user_id}"], [self._cost_s, _MINUTE_S, _NOTHING_S]
        )
        return float(cast("str", answer))


class LocalRate:
    """The same buckets for this process alone."""

    def __init__(self, *, per_minute: int) -> None:
        self._cost_s = _MINUTE_S / per_minute
        self._paid: dict[int, float] = {}

    def take(self, user_id: int, now: float) -> float:
        """Count a submit and return 0, or count nothing and return the seconds until it may be."""
        paid = max(self._paid.get(user_id, 0.0), now) + self._cost_s
        if (wait := paid - now - _MINUTE_S) > _NOTHING_S:
            return wait
        self._paid[user_id] = paid
        # What is paid for says no more than no entry at all.
        if len(self._paid) > _MANY:
            self._paid = {user: paid for user, paid in self._paid.items() if paid > now}
        return 0.0
