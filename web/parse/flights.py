"""Flights: one wait for what a worker finds at an address, however many ask for it."""

import asyncio
import secrets
from collections import defaultdict
from collections.abc import Generator
from contextlib import contextmanager, suppress
from datetime import timedelta

from domain.failures import TimedOutError
from domain.findings import Outcome, address_key
from runtime import logs
from storage.parses import ANY, NONE, Parses, Question, Told, Verdict
from storage.redis_door import RedisFault
from web.errands import end

LOOK_AGAIN_S = 1.0
"""A flight whose worker died is opened anew by those who wait, within this time of its end."""

MAX_CALLS = 32
"""To Redis at once: the client has a hundred connections for everything in this process."""

AGAIN_S = 1.0

_log = logs.get("web.parse.flights")


class TooManyFlightsError(Exception):
    """The user has as many flights under way as one may."""


class NoRoomError(Exception):
    """More flights wait for a worker than will ever be in time."""


class Flights:
    """Asks for addresses and waits for the answers; one listener for all of this process."""

    def __init__(self, parses: Parses, *, patience: timedelta) -> None:
        self._parses = parses
        self._patience_s = patience.total_seconds()
        self._waiting: defaultdict[str, set[asyncio.Event]] = defaultdict(set)
        self._calls = asyncio.Semaphore(MAX_CALLS)
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Listen for answers until ``close``."""
        self._task = asyncio.create_task(self._listen())

    async def close(self) -> None:
        """Listen no more."""
        if self._task is not None:
            await end([self._task])

    async def outcome(self, url: str, user_id: int, *, refresh: bool) -> Outcome:
        """Return what is known of an address, at once or as soon as a worker has looked.

        Args:
            url: Checked by ``check_url``.
            refresh: Take no answer that was given before this question.

        Raises:
            TimedOutError: Nobody answered in time.
            TooManyFlightsError: The user has others looked at.
            NoRoomError: Too many wait.
            RedisError: Redis is away.
        """
        try:
            async with asyncio.timeout(self._patience_s):
                with self._watch(address_key(url)) as landed:
                    return await self._answer(url, user_id, landed, NONE if refresh else ANY)
        except TimeoutError as error:
            raise TimedOutError from error

    async def _answer(self, url: str, user_id: int, landed: asyncio.Event, awaited: str) -> Outcome:
        while True:
            landed.clear()
            question = Question(url=url, user_id=user_id, new=secrets.token_hex(8))
            told = await self._ask(question, awaited)
            if told.outcome is not None:
                return told.outcome
            # Whoever takes any answer goes on to do so.
            awaited = awaited and told.flight
            with suppress(TimeoutError):
                async with asyncio.timeout(LOOK_AGAIN_S):
                    await landed.wait()

    async def _ask(self, question: Question, awaited: str) -> Told:
        async with self._calls:
            told = await self._parses.ask(question, awaited)
        if told.verdict is Verdict.USER_FULL:
            raise TooManyFlightsError
        if told.verdict is Verdict.ALL_FULL:
            raise NoRoomError
        return told

    @contextmanager
    def _watch(self, key: str) -> Generator[asyncio.Event]:
        """Yield what is set when an address is answered."""
        landed = asyncio.Event()
        self._waiting[key].add(landed)
        try:
            yield landed
        finally:
            self._waiting[key].discard(landed)
            if not self._waiting[key]:
                del self._waiting[key]

    async def _listen(self) -> None:
        while True:
            with suppress(*RedisFault):
                async for key in self._parses.landed():
                    # Connected again: what was told in between is lost, so all ask again.
                    keys = list(self._waiting) if key is None else [key]
                    for landed in [one for key in keys for one in self._waiting.get(key, ())]:
                        landed.set()
            _log.warning("parses_away", again_s=AGAIN_S)
            await asyncio.sleep(AGAIN_S)
