"""The feed: how far each download is, and every event, in Redis. A view, never the truth."""

# pyright: reportUnknownMemberType=false, reportGeneralTypeIssues=false
# redis-py types its commands for the blocking and the async client at once.

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, cast

from redis.asyncio import Redis

from domain.download import Progress
from domain.events import Event, StateEvent
from storage.redis_door import RedisFault

CHANNEL = "vasset:events"
CANCELS = "vasset:cancels"
ENDED = "vasset:ended"
TTL_S = 3_600
TELL_TIMEOUT_S = 1.0
MAX_DIGITS = 18

MAX_RECENT = 500
"""Downloads of a user whose last event is known by its number, so that a socket can go on."""

# One script, so that numbers are given in the order in which events are sent. They begin at the
# server's clock in microseconds: what Redis gave before it lost everything is never given again.
# KEYS: the user's last number, the download's last event, the user's downloads by last number;
# there download 0 has the number up to which others may be forgotten.
# ARGV: the event, the download, the channel, for how long to keep, how many.
_PUBLISH = """
local seq = redis.call('INCR', KEYS[1])
if seq == 1 then
    local t = redis.call('TIME')
    seq = string.format('%.0f', t[1] * 1000000 + t[2])
    redis.call('SET', KEYS[1], seq)
else
    seq = string.format('%.0f', seq)
end
local told = '{"seq":' .. seq .. ',"event":' .. ARGV[1] .. '}'
redis.call('SET', KEYS[2], told, 'EX', ARGV[4])
if redis.call('ZADD', KEYS[3], seq, ARGV[2]) == 1 then
    local kept = redis.call('ZCARD', KEYS[3])
    if kept == 1 then
        redis.call('ZADD', KEYS[3], string.format('%.0f', seq - 1), 0)
    elseif kept > ARGV[5] + 1 then
        redis.call('ZADD', KEYS[3], redis.call('ZPOPMIN', KEYS[3], 2)[4], 0)
    end
end
redis.call('EXPIRE', KEYS[3], ARGV[4])
redis.call('PUBLISH', ARGV[3], told)"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """An event as a listener gets it, with its number among its user's events.

    Attributes:
        message: The event as the socket sends it, without ``seq``.
    """

    seq: int
    user_id: int
    history_id: int
    message: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Ended:
    """Tokens or keys of this user ended; which of them, the rows say."""

    user_id: int


class Feed:
    """Publishes and hears what happens; when Redis is away it is silent."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._publish = redis.register_script(_PUBLISH)

    async def publish(self, event: Event) -> bool:
        """Tell the listeners; return False if Redis is away."""
        text = json.dumps({"user_id": event.user_id, "message": as_message(event)})
        user_id, history_id = event.user_id, event.history_id
        keys = [_seq_key(user_id), _latest_key(history_id), _recent_key(user_id)]
        try:
            await self._publish(keys, [text, history_id, CHANNEL, TTL_S, MAX_RECENT])
        except RedisFault:
            return False
        return True

    async def seq(self, user_id: int) -> int:
        """Return the number of this user's last event, 0 if none or if Redis is away."""
        try:
            return _number(await self._redis.get(_seq_key(user_id))) or 0
        except RedisFault:
            return 0

    async def latest(self, history_ids: Sequence[int]) -> dict[int, dict[str, Any]]:
        """Return the last message of each download that has one."""
        try:
            heard = await self._latest(history_ids)
        except RedisFault:
            return {}
        return {history_id: event.message for history_id, event in heard.items()}

    async def recent(self, user_id: int, since: int) -> dict[int, Heard] | None:
        """Return the last event of each of a user's downloads that had one lately.

        Returns:
            What came before ``since`` too; None if something after it may be missing: the number
            is too old, none of ours, or Redis is away or has lost what it knew.
        """
        try:
            async with self._redis.pipeline() as pipe:
                pipe.get(_seq_key(user_id))
                pipe.zrange(_recent_key(user_id), 0, -1, withscores=True)
                seq, numbers = await pipe.execute()
            if not numbers or not numbers[0][1] <= since <= (_number(seq) or 0):
                return None
            ids = [_number(history_id) for history_id, _ in numbers]
            return await self._latest([history_id for history_id in ids if history_id])
        except RedisFault:
            return None

    async def _latest(self, history_ids: Sequence[int]) -> dict[int, Heard]:
        if not history_ids:
            return {}
        keys = [_latest_key(history_id) for history_id in history_ids]
        texts = cast("list[str | None]", await self._redis.mget(keys))
        heard = [_heard(text) for text in texts if text is not None]
        return {event.history_id: event for event in heard if event is not None}

    async def listen(self) -> AsyncIterator[Heard | Ended | None]:
        """Yield every event of every user; None after each (re)connection, when some may be lost.

        Raises:
            RedisError: The connection broke; listen again.
        """
        async with self._redis.pubsub() as pubsub:
            await pubsub.subscribe(CHANNEL, ENDED)
            while True:
                raw = cast("dict[str, Any] | None", await pubsub.get_message(timeout=1.0))
                if raw is None:
                    continue
                if raw["type"] == "subscribe":
                    if raw["channel"] == ENDED:
                        yield None
                elif raw["channel"] == ENDED:
                    if (user_id := _number(raw["data"])) is not None:
                        yield Ended(user_id)
                elif (heard := _heard(raw["data"])) is not None:
                    yield heard

    async def tell_ended(self, user_id: int) -> None:
        """Let every process look again at this user's sockets; gives up after a second."""
        with suppress(*RedisFault, TimeoutError):
            async with asyncio.timeout(TELL_TIMEOUT_S):
                await self._redis.publish(ENDED, str(user_id))

    async def wish_cancelled(self, history_id: int) -> None:
        """Wake the holder of a download whose row says that it shall be cancelled."""
        try:
            await self._redis.publish(CANCELS, str(history_id))
        except RedisFault:
            return

    async def cancel_wishes(self) -> AsyncIterator[int]:
        """Yield the id of each download that is wished cancelled.

        Raises:
            RedisError: The connection broke; listen again.
        """
        async with self._redis.pubsub(ignore_subscribe_messages=True) as pubsub:
            await pubsub.subscribe(CANCELS)
            while True:
                raw = cast("dict[str, Any] | None", await pubsub.get_message(timeout=1.0))
                if raw is not None and (history_id := _number(raw["data"])) is not None:
                    yield history_id


def as_message(event: Event) -> dict[str, Any]:
    """Return an event as the socket sends it. Source: the contract, section 6."""
    if isinstance(event, StateEvent):
        return {
            "type": "state",
            "history_id": event.history_id,
            "status": event.status.label,
            "status_code": int(event.status),
            "stage": event.stage.value,
            "attempt": event.attempt,
        }
    return {
        "type": "progress",
        "history_id": event.history_id,
        "status": "running",
        "status_code": 5,
        "stage": event.stage.value,
        "attempt": event.attempt,
        **as_figures(event.progress),
    }


def as_figures(progress: Progress | None) -> dict[str, float | None]:
    """Return the figures of a progress message; unknown ones are None."""
    return {
        "percent": progress and progress.percent,
        "downloaded_bytes": progress and progress.downloaded_bytes,
        "total_bytes": progress and progress.total_bytes,
        "speed_bps": progress and progress.speed_bps,
        "eta_s": progress and progress.eta_s,
    }


def _seq_key(user_id: int) -> str:
    return f"vasset:seq:{user_id}"


def _latest_key(history_id: int) -> str:
    return f"vasset:latest:{history_id}"


def _recent_key(user_id: int) -> str:
    return f"vasset:recent:{user_id}"


def _number(text: object) -> int | None:
    """Parse an id or a number; None if there is none, or if somebody else wrote it."""
    digits = str(text)
    is_ours = digits.isascii() and digits.isdigit() and len(digits) <= MAX_DIGITS
    return int(digits) if is_ours else None


def _heard(text: str) -> Heard | None:
    """Parse a message of the channel; None if somebody else wrote it. Source: row WS-11."""
    try:
        raw = json.loads(text)
        message = raw["event"]["message"]
        return Heard(
            seq=int(raw["seq"]),
            user_id=int(raw["event"]["user_id"]),
            history_id=int(message["history_id"]),
            message=message,
        )
    except (ValueError, KeyError, TypeError, OverflowError, RecursionError):
        return None
