"""Submits: which ones are let in before a row is written for them, and what is known of them."""

from asyncio import timeout
from collections.abc import Awaitable, Callable, Mapping, Sequence
from http import HTTPStatus
from time import monotonic
from typing import TypeVar

from domain.failures import DiskFullError, FailureCode, IsPlaylistError
from domain.requests import Wish
from domain.sizes import expected_bytes
from runtime import logs
from runtime.services import Services
from storage.db import Statements
from storage.redis_door import RedisFault
from storage.submit_rate import LocalRate, SubmitRate
from web.problems import ProblemError, TooManyError

REDIS_TIMEOUT_S = 0.2
AWAY_S = 5.0
"""For so long Redis is left alone when it did not answer."""

ROOM_AGAIN_S = 600
"""When it is worth asking again after a full disk: files expire, or somebody makes room."""

_Answer = TypeVar("_Answer")
_log = logs.get("web.downloads.submits")


class Submits:
    """The door before the rows.

    While Redis is away each process counts alone: what is accepted must not depend on it, and
    how much that is the quota bounds, which is in the database.
    """

    def __init__(self, services: Services) -> None:
        self._services = services
        self._bounds = services.settings.downloads
        per_minute = self._bounds.per_user_submits
        self._is_limited = per_minute > 0
        self._rate = SubmitRate(services.redis, per_minute=per_minute or 1)
        self._local = LocalRate(per_minute=per_minute or 1)
        self._away_until = 0.0

    async def enter(self, user_id: int) -> None:
        """Count a request to submit or to retry.

        Raises:
            ProblemError: 429, there were too many of this user.
        """
        if not self._is_limited:
            return
        wait_s = await self._asked(lambda: self._rate.take(user_id))
        if wait_s is None:
            wait_s = self._local.take(user_id, monotonic())
        if wait_s > 0:
            detail = "Too many requests to download within a minute; a batch counts as one."
            raise TooManyError(wait_s, detail)

    async def expected_bytes(self, wish: Wish) -> int | None:
        """Return how large the file will be, if its address was parsed lately.

        Raises:
            IsPlaylistError: The parse found several videos, and the wish names none of them.
        """
        findings = await self._asked(lambda: self._services.parses.known(wish.url))
        if findings is not None and wish.entry is None and findings.is_several:
            raise IsPlaylistError(entries=len(findings.entries or ()), is_truncated=findings.is_cut)
        size = None if findings is None else expected_bytes(findings, wish)
        return None if size is None else min(size, self._bounds.max_bytes)

    async def known_lists(self, wishes: Sequence[Wish]) -> Mapping[str, IsPlaylistError]:
        """Return which addresses were parsed lately and found to be lists, none of them named."""
        urls = [wish.url for wish in wishes if wish.entry is None]
        return await self._asked(lambda: self._services.parses.known_lists(urls)) or {}

    async def check_room(self, statements: Statements, size_bytes: int | None) -> None:
        """Do nothing if a node has room for one more, or if none lives that could say no.

        Args:
            size_bytes: Of its file; None if nothing is known of it.

        Raises:
            ProblemError: 503, no node has.
        """
        expected = size_bytes or self._bounds.expected_bytes
        if not await self._services.nodes.have_room(statements, expected):
            raise ProblemError(
                HTTPStatus.SERVICE_UNAVAILABLE,
                FailureCode.DISK_FULL,
                DiskFullError.explanation,
                headers={"Retry-After": str(ROOM_AGAIN_S)},
            )

    async def _asked(self, question: Callable[[], Awaitable[_Answer]]) -> _Answer | None:
        """Return Redis' answer, or None while it gives none."""
        if monotonic() < self._away_until:
            return None
        try:
            async with timeout(REDIS_TIMEOUT_S):
                return await question()
        except (*RedisFault, TimeoutError) as error:
            self._away_until = monotonic() + AWAY_S
            _log.warning(
                "submits_counted_alone",
                error=type(error).__name__,
                advice="check Redis; until it is back each web process counts its own submits",
            )
            return None
