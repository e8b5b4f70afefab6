"""Transfers: how many files this process sends at once."""

import asyncio
from http import HTTPStatus

from web.problems import Code, ProblemError

PATIENCE_S = 1.0


class Transfers:
    """Slots for files that are being sent."""

    def __init__(self, slots: int) -> None:
        self._slots = asyncio.Semaphore(slots)
        self._active = 0

    @property
    def active(self) -> int:
        """Return how many files are being sent."""
        return self._active

    async def enter(self) -> None:
        """Take a slot, to be given back by ``leave``.

        Raises:
            ProblemError: 503, none became free within a second.
        """
        try:
            async with asyncio.timeout(PATIENCE_S):
                await self._slots.acquire()
        except TimeoutError:
            raise ProblemError(
                HTTPStatus.SERVICE_UNAVAILABLE,
                Code.TOO_MANY_TRANSFERS,
                "Too many files are being sent; try again soon.",
            ) from None
        self._active += 1

    def leave(self) -> None:
        """Give a slot back."""
        self._active -= 1
        self._slots.release()
