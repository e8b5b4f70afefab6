"""The slots of delivery: who is being sent which file, counted over all processes by Redis.

A slot is one file on its way to one user, by however many streams. Each stream holds it by a
lease, so what a killed process held comes back by itself.
"""

# pyright: reportGeneralTypeIssues=false, reportUnknownMemberType=false
# redis-py types its commands for the blocking and the async client at once.

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from enum import IntEnum
from typing import cast

from redis.asyncio import Redis

LEASE = timedelta(seconds=30)
"""A stream that is not renewed within this time is over. Source: the reliability row FI-14."""

MAX_STREAMS = 16
"""Streams in one slot; download managers open up to sixteen for one file."""


class Verdict(IntEnum):
    """Whether a stream may begin; the numbers are those of the script."""

    ENTERED = 0
    NODE_FULL = 1
    USER_FULL = 2
    SLOT_FULL = 3


@dataclass(frozen=True, slots=True)
class Stream:
    """One transfer.

    Attributes:
        content: What is sent; streams of one user with the same content share a slot.
        token: Of this stream alone.
    """

    user_id: int
    content: str
    token: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SlotLimits:
    """How many slots there may be at once."""

    per_node: int
    per_user: int


# The server's clock: those of the nodes need not agree. KEYS: slots of the node, slots of the
# user on all nodes, streams of the slot. Scores are the ends of leases in milliseconds.
_TIME = "local t = redis.call('TIME') local now = t[1] * 1000 + math.floor(t[2] / 1000) "
_WRITE = """
for i = 1, 2 do redis.call('ZADD', KEYS[i], 'GT', now + ARGV[1], ARGV[i + 1]) end
redis.call('ZADD', KEYS[3], now + ARGV[1], ARGV[4])
for i = 1, 3 do redis.call('PEXPIRE', KEYS[i], ARGV[1]) end
return 0"""
_ENTER = f"""{_TIME}
for i = 1, 3 do redis.call('ZREMRANGEBYSCORE', KEYS[i], '-inf', now) end
if redis.call('ZSCORE', KEYS[1], ARGV[2]) then
    if redis.call('ZCARD', KEYS[3]) >= tonumber(ARGV[7]) then return 3 end
elseif not redis.call('ZSCORE', KEYS[2], ARGV[3])
    and redis.call('ZCARD', KEYS[2]) >= tonumber(ARGV[6]) then return 2
elseif redis.call('ZCARD', KEYS[1]) >= tonumber(ARGV[5]) then return 1 end
{_WRITE}"""
_RENEW = _TIME + _WRITE
_LEAVE = """
redis.call('ZREM', KEYS[3], ARGV[4])
if redis.call('ZCARD', KEYS[3]) == 0 then
    for i = 1, 2 do redis.call('ZREM', KEYS[i], ARGV[i + 1]) end
end
return 0"""


class Slots:
    """The slots of one node, and of each user on all nodes. Every call raises RedisFault."""

    def __init__(self, redis: Redis, *, node: str, lease: timedelta = LEASE) -> None:
        self._redis = redis
        self._node = node
        self._lease_ms = int(lease.total_seconds() * 1000)
        self._enter = redis.register_script(_ENTER)
        self._renew = redis.register_script(_RENEW)
        self._leave = redis.register_script(_LEAVE)

    async def enter(self, stream: Stream, limits: SlotLimits) -> Verdict:
        """Let a stream begin if its slot exists or there is room for one more."""
        numbers = [limits.per_node, limits.per_user, MAX_STREAMS]
        answer = await self._enter(self._keys(stream), [*self._values(stream), *numbers])
        return Verdict(int(cast("int", answer)))

    async def renew(self, streams: Iterable[Stream]) -> None:
        """Prolong the leases of streams, also of such as Redis has forgotten."""
        async with self._redis.pipeline(transaction=False) as batch:
            for stream in streams:
                await self._renew(self._keys(stream), self._values(stream), client=batch)
            await batch.execute()

    async def leave(self, stream: Stream) -> None:
        """End a stream, and its slot with its last one."""
        await self._leave(self._keys(stream), self._values(stream))

    async def active(self, node: str) -> int:
        """Return how many slots of a node are taken."""
        seconds, micros = await self._redis.time()
        now_ms = seconds * 1000 + micros // 1000
        count = await self._redis.zcount(f"vasset:slots:node:{node}", f"({now_ms}", "+inf")
        return int(count)

    def _keys(self, stream: Stream) -> list[str]:
        return [
            f"vasset:slots:node:{self._node}",
            f"vasset:slots:user:{stream.user_id}",
            f"vasset:slots:streams:{self._node}:{stream.user_id}:{stream.content}",
        ]

    def _values(self, stream: Stream) -> list[str | int]:
        # Not with the node: a file that one node passes on for another is one slot of its user.
        of_node, of_user = f"{stream.user_id}:{stream.content}", stream.content
        return [self._lease_ms, of_node, of_user, stream.token]
