"""The feed: how far each download is, and every event, in Redis. A view, never the truth."""

# pyright: reportUnknownMemberType=false, reportGeneralTypeIssues=false
# redis-py types its commands for the blocking and the async client at once.

import asyncio
import json
from collections.abc import AsyncIterator
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
PROGRESS_TTL_S = 3_600
TELL_TIMEOUT_S = 1.0

# One script, so that numbers are given in the order in which events are sent.
_PUBLISH = """
local seq = redis.call('INCR', KEYS[1])
redis.call('HSET', KEYS[2], 'seq', seq, 'event', ARGV[1])
redis.call('EXPIRE', KEYS[2], ARGV[3])
redis.call('PUBLISH', ARGV[2], '{"seq":' .. seq .. ',"event":' .. ARGV[1] .. '}')
return seq
"""


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

    async def publish(self, event: Event) -> bool:
        """Tell the listeners; return False if Redis is away."""
        text = json.dumps({"user_id": event.user_id, "message": as_message(event)})
        keys = (f"vasset:seq:{event.user_id}", f"vasset:progress:{event.history_id}")
        try:
            await self._redis.eval(_PUBLISH, 2, *keys, text, CHANNEL, str(PROGRESS_TTL_S))
        except RedisFault:
            return False
        return True

    async def seq(self, user_id: int) -> int:
        """Return the number of this user's last event, 0 if none or if Redis is away."""
        try:
            return int(await self._redis.get(f"vasset:seq:{user_id}") or 0)
        except RedisFault:
            return 0

    async def latest(self, history_ids: list[int]) -> dict[int, dict[str, Any]]:
        """Return the last message of each download that has one."""
        if not history_ids:
            return {}
        try:
            async with self._redis.pipeline(transaction=False) as pipe:
                for history_id in history_ids:
                    pipe.hget(f"vasset:progress:{history_id}", "event")
                texts = cast("list[str | None]", await pipe.execute())
        except RedisFault:
            return {}
        pairs = zip(history_ids, texts, strict=True)
        return {history_id: json.loads(text)["message"] for history_id, text in pairs if text}

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


def _number(text: object) -> int | None:
    """Parse an id; None if somebody else wrote the message."""
    digits = str(text)
    return int(digits) if digits.isascii() and digits.isdigit() else None


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
    except (ValueError, KeyError, TypeError):
        return None
