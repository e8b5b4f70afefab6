"""Passwords: argon2id, a few at a time, and as slow for unknown accounts as for known ones."""

import asyncio
import secrets

from argon2 import PasswordHasher, Type
from argon2.exceptions import InvalidHashError, VerificationError

MAX_AT_ONCE = 4
"""Each run takes 19 MiB and a processor; the others wait."""


def hasher() -> PasswordHasher:
    """Return the hasher of every password. Source: OWASP's password storage sheet, argon2id."""
    return PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1, type=Type.ID)


class Passwords:
    """Hashes and verifies in threads, so that the loop goes on."""

    def __init__(self) -> None:
        self._hasher = hasher()
        self._slots = asyncio.Semaphore(MAX_AT_ONCE)
        self._nobodys = self._hasher.hash(secrets.token_urlsafe(16))

    async def hash(self, password: str) -> str:
        """Return the argon2id hash of a password, with a salt of its own."""
        async with self._slots:
            return await asyncio.to_thread(self._hasher.hash, password)

    async def matches(self, password: str, password_hash: str | None) -> bool:
        """Return whether a password is the one of a hash; None stands for an unknown account."""
        async with self._slots:
            right = await asyncio.to_thread(self._verify, password, password_hash or self._nobodys)
        return right and password_hash is not None

    def _verify(self, password: str, password_hash: str) -> bool:
        try:
            return self._hasher.verify(password_hash, password)
        except (VerificationError, InvalidHashError):
            return False
