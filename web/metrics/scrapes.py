"""Scrapes: one reading of the metrics for all who ask while it lasts."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

from web.errands import end


class Scrapes:
    """Keeps a crowd at a public address from asking the database a hundred times at once."""

    def __init__(self) -> None:
        self._reading: asyncio.Task[bytes] | None = None

    async def text(self, read: Callable[[], Coroutine[Any, Any, bytes]]) -> bytes:
        """Return what is read now, by whoever asked first.

        Raises:
            DatabaseError: It could not be read.
        """
        if self._reading is None or self._reading.done():
            self._reading = asyncio.create_task(read())
            self._reading.add_done_callback(_note_end)
        # Shielded: others wait for it too when the first one goes away.
        return await asyncio.shield(self._reading)

    async def close(self) -> None:
        """End what is being read."""
        if self._reading is not None:
            await end([self._reading])


def _note_end(reading: "asyncio.Task[bytes]") -> None:
    """Look at the fault, if all who waited for it are gone."""
    if not reading.cancelled():
        reading.exception()
