"""Passwords: argon2id, a few at a time, and as slow for unknown accounts as for known ones."""

import asyncio
import secrets
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar, TypeVarTuple

from argon2 import PasswordHasher, Type
from argon2.exceptions import InvalidHashError, VerificationError

from domain.failures import FailureCode
from web.accounts.fair_queue import FairQueue, Origin, QueueFullError
from web.problems import ProblemError

Result = TypeVar("Result")
Given = TypeVarTuple("Given")

MAX_AT_ONCE = 4
"""Each run takes 19 MiB and a processor; the others wait."""

MAX_WAITING = 64
"""About a second's worth; beyond it a login is refused at once instead of late."""


ANYWHERE = Origin(network="")


class BusyError(ProblemError):
    """Too many passwords wait already."""

    def __init__(self) -> None:
        super().__init__(503, FailureCode.UNAVAILABLE, "Too many log in now; try again soon.")


def hasher() -> PasswordHasher:
    """Return the hasher of every password. Source: OWASP's password storage sheet, argon2id."""
    return PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1, type=Type.ID)


class Passwords:
    """Hashes and verifies in threads of its own, so that loop and files go on."""

    def __init__(self) -> None:
        self._hasher = hasher()
        self._threads = ThreadPoolExecutor(MAX_AT_ONCE, thread_name_prefix="argon2")
        self._queue = FairQueue(at_once=MAX_AT_ONCE, waiting=MAX_WAITING)
        self._nobodys = self._hasher.hash(secrets.token_urlsafe(16))

    async def hash(self, password: str, origin: Origin = ANYWHERE) -> str:
        """Return the argon2id hash of a password, with a salt of its own.

        Raises:
            BusyError: Too many wait already.
        """
        return await self._run(origin, self._hasher.hash, password)

    async def matches(
        self, password: str, password_hash: str | None, origin: Origin = ANYWHERE
    ) -> bool:
        """Return whether a password is the one of a hash; None stands for an unknown account.

        Raises:
            BusyError: Too many wait already.
        """
        right = await self._run(origin, self._verify, password, password_hash or self._nobodys)
        return right and password_hash is not None

    def close(self) -> None:
        """Begin nothing any more."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def _run(
        self, origin: Origin, work: Callable[[*Given], Result], *given: *Given
    ) -> Result:
        try:
            await self._queue.enter(origin)
        except QueueFullError as error:
            raise BusyError from error
        done = asyncio.get_running_loop().run_in_executor(self._threads, work, *given)
        # The turn ends with the thread's work, which a client that hangs up does not end.
        done.add_done_callback(lambda _: self._queue.leave())
        return await asyncio.shield(done)

    def _verify(self, password: str, password_hash: str) -> bool:
        try:
            return self._hasher.verify(password_hash, password)
        except (VerificationError, InvalidHashError):
            return False
