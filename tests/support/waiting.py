"""Waiting for something to become true, in place of sleeping."""

import asyncio
import inspect
import time
from collections.abc import Awaitable, Callable
from typing import NoReturn, TypeVar, cast

T = TypeVar("T")

_PAUSE_S = 0.02

PATIENCE_S = 30.0
"""Enough on a machine that is busy with much else; who need not wait does not pay for it."""


async def eventually(
    probe: Callable[[], T | Awaitable[T | None] | None],
    *,
    timeout_s: float = PATIENCE_S,
    what: str = "",
) -> T:
    """Return the probe's first truthy value.

    Args:
        probe: A plain or an async function; an AssertionError from it counts as "not yet".
        what: What is waited for, for the error.

    Raises:
        AssertionError: The time ran out; carries the last value or assertion seen.
    """
    end = time.monotonic() + timeout_s
    while True:
        seen: object
        try:
            seen = probe()
            if inspect.isawaitable(seen):
                seen = await seen
        except AssertionError as unmet:
            seen = unmet
        else:
            if seen:
                return cast("T", seen)
        if time.monotonic() >= end:
            _give_up(probe, timeout_s, what, seen)
        await asyncio.sleep(_PAUSE_S)


def eventually_sync(
    probe: Callable[[], T | None], *, timeout_s: float = PATIENCE_S, what: str = ""
) -> T:
    """Return the probe's first truthy value, for code outside an event loop.

    Raises:
        AssertionError: The time ran out; carries the last value or assertion seen.
    """
    end = time.monotonic() + timeout_s
    while True:
        seen: object
        try:
            seen = probe()
        except AssertionError as unmet:
            seen = unmet
        else:
            if seen:
                return seen
        if time.monotonic() >= end:
            _give_up(probe, timeout_s, what, seen)
        time.sleep(_PAUSE_S)


def _give_up(probe: object, timeout_s: float, what: str, seen: object) -> NoReturn:
    subject = what or getattr(probe, "__qualname__", repr(probe))
    message = f"not within {timeout_s} s: {subject}; last seen: {seen!r}"
    raise AssertionError(message)
