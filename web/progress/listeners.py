"""Listeners: what one socket was told, and whether it keeps up."""

import asyncio
import random
from typing import Protocol


class Wire(Protocol):
    """What a listener writes to; web/progress/lines.py."""

    def tell(self, frame: bytes) -> bool:
        """Write a frame; return False if it was dropped."""
        ...


class Listener:
    """One socket of an audience.

    Attributes:
        number: Of the newest event that it was told; None: it knows nothing yet.
        starts_after: What has a number up to this is in what it was told at the beginning.
        is_behind: Whether it missed something because it takes nothing.
        is_failed: Whether it could not be told what it must know.
    """

    def __init__(self, wire: Wire, since: int | None = None) -> None:
        self._wire = wire
        self._doubted = asyncio.Event()
        self.number = since
        self.starts_after = 0
        self.is_behind = False
        self.is_failed = False

    def begin(self, number: int) -> None:
        """Let it be told what it lacks, and then everything after this number."""
        self.starts_after = number
        self.is_behind = False

    def tell(self, frame: bytes, number: int) -> None:
        """Send a message with its number, unless the one before it is still to be sent."""
        if self.is_behind:
            return
        if self._wire.tell(frame):
            self.number = number
        else:
            self.is_behind = True

    def doubt(self) -> None:
        """Let the socket look at once whether it may stay."""
        self._doubted.set()

    def fail(self) -> None:
        """Let the socket end; another one may do better."""
        self.is_failed = True
        self.doubt()

    async def doubted(self, within_s: float) -> None:
        """Wait until the socket is doubted, or so long."""
        try:
            async with asyncio.timeout(within_s):
                await self._doubted.wait()
        except TimeoutError:
            return
        self._doubted.clear()


def spread(every_s: float) -> float:
    """Return a time up to a half shorter: a thousand that were opened at once must not stay so."""
    return every_s * random.uniform(0.5, 1)  # noqa: S311 - no secret
