"""The parses: answers that are kept for a time, and the flights that fetch them, in Redis.

A flight is the one look at an address that all who ask for it meanwhile wait for. It is opened by
the first of them, waits in a list until a worker has a slot, and lands with an answer. The worker
holds it by a mark that runs out soon after its death; whoever still waits then lists the flight
again. It ends by itself at its deadline. Source: docs/decisions/0014-parse.md.
"""

# pyright: reportGeneralTypeIssues=false, reportUnknownMemberType=false
# redis-py types its commands for the blocking and the async client at once.

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import IntEnum
from typing import Any, cast

from pydantic import TypeAdapter, ValidationError
from redis.asyncio import Redis

from domain.failures import IsPlaylistError
from domain.findings import Findings, Outcome, address_key
from storage import parse_scripts

WAITING = "vasset:parse:waiting"
LANDED = "vasset:parse:landed"

ANY = ""
"""Instead of a flight: every answer that is kept will do."""

NONE = "none"
"""Instead of a flight: no answer that is kept will do."""

MAX_WAITING = 1_000
"""Flights that wait for a slot of a worker; beyond it none is opened."""

HOLD = timedelta(seconds=3)
"""How long a worker that says nothing more is believed to look; it says so each second."""

MAX_BOARDINGS = 2
"""Workers that may die of one flight."""

_LISTEN_S = 1.0
"""Below the client's own deadline for an answer."""

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

    def __init__(
        self, redis: Redis, *, deadline: timedelta, per_user: int, hold: timedelta = HOLD
    ) -> None:
        self._redis = redis
        self._deadline_ms = _milliseconds(deadline)
        self._hold_ms = _milliseconds(hold)
        self._per_user = per_user
        self._ask = redis.register_script(parse_scripts.ASK)
        self._board = redis.register_script(parse_scripts.BOARD)
        self._keep_hold = redis.register_script(parse_scripts.KEEP_HOLD)
        self._land = redis.register_script(parse_scripts.LAND)
        self._return = redis.register_script(parse_scripts.RETURN)

    async def ask(self, question: Question, awaited: str) -> Told:
        """Return the answer that is kept, or the flight that is under way or was opened now.

        Args:
            awaited: The flight whose answer will do; ANY or NONE.
        """
        key, user = address_key(question.url), question.user_id
        keys = [_answer(key), _flight(key), WAITING, _user(user), _hold(key)]
        values = [awaited, question.new, key, question.url, user]
        bounds = [self._deadline_ms, self._per_user, MAX_WAITING, MAX_BOARDINGS]
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

    async def known_lists(self, urls: Sequence[str]) -> Mapping[str, IsPlaylistError]:
        """Return which of some addresses are kept as lists of several videos.

        Small answers, unlike those of ``known``: they may be asked for by hundreds.
        """
        async with self._redis.pipeline(transaction=False) as pipeline:
            for url in urls:
                pipeline.hget(_answer(address_key(url)), "several")
            kept = cast("list[str | None]", await pipeline.execute())
        return {
            url: IsPlaylistError(entries=int(text.rstrip("+")), is_truncated=text.endswith("+"))
            for url, text in zip(urls, kept, strict=True)
            if text
        }

    async def board(self) -> Flight | None:
        """Wait some seconds for a flight that wants a worker; None if none came."""
        popped = cast("list[str] | None", await self._redis.blpop([WAITING], timeout=_LISTEN_S))
        if popped is None:
            return None
        keys = [_flight(popped[1]), _hold(popped[1])]
        taken = cast("list[Any] | None", await self._board(keys, [self._hold_ms]))
        if taken is None:
            return None
        name, url, user, left_ms = taken
        left = timedelta(milliseconds=int(left_ms))
        return Flight(name=str(name), url=str(url), user_id=int(user), left=left)

    async def hold(self, flight: Flight) -> None:
        """Say that a flight is still being answered; to be said again within ``HOLD``."""
        await self._keep_hold([_hold(address_key(flight.url))], [flight.name, self._hold_ms])

    async def land(self, flight: Flight, outcome: Outcome, *, keep: timedelta) -> None:
        """Keep the answer for a time and tell those who wait for it."""
        key = address_key(flight.url)
        text = _outcomes.dump_json(outcome).decode()
        await self._land(
            [_answer(key), _flight(key), _user(flight.user_id), _hold(key)],
            [flight.name, key, text, _milliseconds(keep), LANDED, _several(outcome)],
        )

    async def give_back(self, flight: Flight) -> None:
        """Let another worker have a flight, before all that wait."""
        key = address_key(flight.url)
        keys = [_flight(key), WAITING, _hold(key)]
        await self._return(keys, [flight.name, key, self._deadline_ms])

    async def landed(self) -> AsyncIterator[str | None]:
        """Yield the key of each address that is answered; None after each (re)connection."""
        async with self._redis.pubsub() as pubsub:
            await pubsub.subscribe(LANDED)
            while True:
                raw = cast("dict[str, Any] | None", await pubsub.get_message(timeout=1.0))
                if raw is not None:
                    yield None if raw["type"] == "subscribe" else str(raw["data"])


def _several(outcome: Outcome) -> str:
    """Return of how many videos an answer is a list, with a plus if of more; empty if of none."""
    if not isinstance(outcome, Findings) or not outcome.is_several:
        return ""
    return f"{len(outcome.entries or ())}{'+' if outcome.is_cut else ''}"


def _answer(key: str) -> str:
    return f"vasset:parse:answer:{key}"


def _flight(key: str) -> str:
    return f"vasset:parse:flight:{key}"


def _user(user_id: int) -> str:
    return f"vasset:parse:user:{user_id}"


def _hold(key: str) -> str:
    return f"vasset:parse:hold:{key}"


def _milliseconds(time: timedelta) -> int:
    return int(time.total_seconds() * 1000)
