"""The parses: answers that are kept for a time, and the flights that fetch them, in Redis.

A flight is the one look at an address that all who ask for it meanwhile wait for. It is opened by
the first of them, waits in a list until a worker has a slot, and lands with an answer. It ends by
itself at its deadline, so what a dead worker held comes back. Source: docs/decisions/0014-parse.md.
"""

# pyright: reportGeneralTypeIssues=false, reportUnknownMemberType=false
# redis-py types its commands for the blocking and the async client at once.

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from enum import IntEnum
from typing import Any, cast

from pydantic import TypeAdapter, ValidationError
from redis.asyncio import Redis

from domain.findings import Findings, Outcome, address_key

WAITING = "vasset:parse:waiting"
LANDED = "vasset:parse:landed"

ANY = ""
"""Instead of a flight: every answer that is kept will do."""

NONE = "none"
"""Instead of a flight: no answer that is kept will do."""

MAX_WAITING = 1_000
"""Flights that wait for a slot of a worker; beyond it none is opened."""

_LISTEN_S = 1.0
"""Below the client's own deadline for an answer."""

# The server's clock: those of the nodes need not agree.
_NOW = "local t = redis.call('TIME') local now = t[1] * 1000 + math.floor(t[2] / 1000) "
# KEYS: answer, flight, waiting, flights of the user. ARGV: the awaited flight, a new one's name,
# the key of the address, the address, the user, milliseconds, most of the user, most that wait.
_ASK = f"""{_NOW}
local kept = redis.call('HMGET', KEYS[1], 'flight', 'text')
if kept[1] and (ARGV[1] == '' or ARGV[1] == kept[1]) then return {{0, kept[2]}} end
local flight = redis.call('HGET', KEYS[2], 'flight')
if flight then return {{1, flight}} end
redis.call('ZREMRANGEBYSCORE', KEYS[4], '-inf', now)
if redis.call('ZCARD', KEYS[4]) >= tonumber(ARGV[7]) then return {{2, ''}} end
if redis.call('LLEN', KEYS[3]) >= tonumber(ARGV[8]) then return {{3, ''}} end
redis.call('HSET', KEYS[2], 'flight', ARGV[2], 'url', ARGV[4], 'user', ARGV[5])
redis.call('PEXPIRE', KEYS[2], ARGV[6])
redis.call('ZADD', KEYS[4], now + ARGV[6], ARGV[3])
redis.call('PEXPIRE', KEYS[4], ARGV[6])
redis.call('RPUSH', KEYS[3], ARGV[3])
redis.call('PEXPIRE', KEYS[3], ARGV[6])
return {{1, ARGV[2]}}"""
# KEYS: flight. Only one worker is given it.
_BOARD = """
if redis.call('EXISTS', KEYS[1]) == 0 then return false end
if redis.call('HSETNX', KEYS[1], 'boarded', 1) == 0 then return false end
local kept = redis.call('HMGET', KEYS[1], 'flight', 'url', 'user')
return {kept[1], kept[2], kept[3], redis.call('PTTL', KEYS[1])}"""
# KEYS: answer, flight, flights of the user. ARGV: flight, key of the address, text, milliseconds,
# channel. An answer that comes too late for its flight is still one.
_LAND = """
redis.call('HSET', KEYS[1], 'flight', ARGV[1], 'text', ARGV[3])
redis.call('PEXPIRE', KEYS[1], ARGV[4])
if redis.call('HGET', KEYS[2], 'flight') == ARGV[1] then
    redis.call('DEL', KEYS[2])
    redis.call('ZREM', KEYS[3], ARGV[2])
end
redis.call('PUBLISH', ARGV[5], ARGV[2])
return 0"""
# KEYS: flight, waiting. ARGV: flight, key of the address.
_RETURN = """
if redis.call('HGET', KEYS[1], 'flight') == ARGV[1] then
    redis.call('HDEL', KEYS[1], 'boarded')
    redis.call('LPUSH', KEYS[2], ARGV[2])
    redis.call('PEXPIRE', KEYS[2], redis.call('PTTL', KEYS[1]))
end
return 0"""

_outcomes: TypeAdapter[Outcome] = TypeAdapter(Outcome)


class Verdict(IntEnum):
    """What became of a question; the numbers are those of the script."""

    ANSWERED = 0
    FLYING = 1
    USER_FULL = 2
    ALL_FULL = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What a user asks.

    Attributes:
        url: Checked by ``check_url``.
        new: The name that a flight gets if it must be opened; drawn anew for each question.
    """

    url: str
    user_id: int
    new: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What became of a question.

    Attributes:
        outcome: If it is answered.
        flight: If one is under way.
    """

    verdict: Verdict
    outcome: Outcome | None = None
    flight: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Flight:
    """A flight in the hands of a worker.

    Attributes:
        left: Until those who wait give up.
    """

    name: str
    url: str
    user_id: int
    left: timedelta


class Parses:
    """The answers and flights of all nodes. Every call raises RedisFault."""

    def __init__(self, redis: Redis, *, deadline: timedelta, per_user: int) -> None:
        self._redis = redis
        self._deadline_ms = int(deadline.total_seconds() * 1000)
        self._per_user = per_user
        self._ask = redis.register_script(_ASK)
        self._board = redis.register_script(_BOARD)
        self._land = redis.register_script(_LAND)
        self._return = redis.register_script(_RETURN)

    async def ask(self, question: Question, awaited: str) -> Told:
        """Return the answer that is kept, or the flight that is under way or was opened now.

        Args:
            awaited: The flight whose answer will do; ANY or NONE.
        """
        key, user = address_key(question.url), question.user_id
        keys = [_answer(key), _flight(key), WAITING, _user(user)]
        values = [awaited, question.new, key, question.url, user]
        bounds = [self._deadline_ms, self._per_user, MAX_WAITING]
        number, text = cast("tuple[int, str]", await self._ask(keys, [*values, *bounds]))
        verdict = Verdict(number)
        if verdict is not Verdict.ANSWERED:
            return Told(verdict=verdict, flight=text)
        try:
            return Told(verdict=verdict, outcome=_outcomes.validate_json(text))
        except ValidationError:
            # Of another version, or not ours.
            await self._redis.delete(_answer(key))
            return await self.ask(question, NONE)

    async def known(self, url: str) -> Findings | None:
        """Return what is kept of an address, without asking anybody for it."""
        text = cast("str | None", await self._redis.hget(_answer(address_key(url)), "text"))
        try:
            kept = None if text is None else _outcomes.validate_json(text)
        except ValidationError:
            return None
        return kept if isinstance(kept, Findings) else None

    async def board(self) -> Flight | None:
        """Wait some seconds for a flight that wants a worker; None if none came."""
        popped = cast("list[str] | None", await self._redis.blpop([WAITING], timeout=_LISTEN_S))
        if popped is None:
            return None
        taken = cast("list[Any] | None", await self._board([_flight(popped[1])]))
        if taken is None:
            return None
        name, url, user, left_ms = taken
        left = timedelta(milliseconds=int(left_ms))
        return Flight(name=str(name), url=str(url), user_id=int(user), left=left)

    async def land(self, flight: Flight, outcome: Outcome, *, keep: timedelta) -> None:
        """Keep the answer for a time and tell those who wait for it."""
        key = address_key(flight.url)
        text = _outcomes.dump_json(outcome).decode()
        await self._land(
            [_answer(key), _flight(key), _user(flight.user_id)],
            [flight.name, key, text, int(keep.total_seconds() * 1000), LANDED],
        )

    async def give_back(self, flight: Flight) -> None:
        """Let another worker have a flight, before all that wait."""
        key = address_key(flight.url)
        await self._return([_flight(key), WAITING], [flight.name, key])

    async def landed(self) -> AsyncIterator[str | None]:
        """Yield the key of each address that is answered; None after each (re)connection."""
        async with self._redis.pubsub() as pubsub:
            await pubsub.subscribe(LANDED)
            while True:
                raw = cast("dict[str, Any] | None", await pubsub.get_message(timeout=1.0))
                if raw is not None:
                    yield None if raw["type"] == "subscribe" else str(raw["data"])


def _answer(key: str) -> str:
    return f"vasset:parse:answer:{key}"


def _flight(key: str) -> str:
    return f"vasset:parse:flight:{key}"


def _user(user_id: int) -> str:
    return f"vasset:parse:user:{user_id}"
