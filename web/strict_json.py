"""JSON as strangers send it: one reading of each text, or a refusal."""

import json
import math
from typing import Any, NoReturn, cast

MAX_DIGITS = 30
"""Longer numbers have no meaning here, and turning thousands of digits into an int is slow."""


MAX_DEPTH = 64
"""Lists and objects within each other. Python's own bound differs from version to version."""


class NotJsonError(Exception):
    """The bytes are not UTF-8, not JSON, or can be read in two ways."""


class BadTextError(Exception):
    """A text holds a character that cannot be kept: NUL or half of a surrogate pair."""


def parse(raw: bytes) -> object:
    """Return the one value that the bytes stand for.

    Raises:
        NotJsonError: Bad UTF-8, bad syntax, a key twice, NaN, an endless number or nesting.
        BadTextError: A text holds NUL or a lone surrogate, which PostgreSQL cannot keep.
    """
    try:
        value = json.loads(
            raw.decode("utf-8"),
            object_pairs_hook=_unique,
            parse_constant=_refuse,
            parse_int=_whole,
            parse_float=_finite,
        )
    except (ValueError, RecursionError) as error:
        raise NotJsonError from error
    _check(value)
    return value


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    table = dict(pairs)
    if len(table) != len(pairs):
        raise NotJsonError
    return table


def _refuse(_: str) -> NoReturn:
    raise NotJsonError


def _whole(digits: str) -> int:
    if len(digits) > MAX_DIGITS:
        raise NotJsonError
    return int(digits)


def _finite(digits: str) -> float:
    number = float(digits)
    if not math.isfinite(number):
        raise NotJsonError
    return number


def _check(value: object) -> None:
    """Look at every text and at how deep it lies; by a list of our own, not by recursion.

    Raises:
        NotJsonError: Something lies deeper than ``MAX_DEPTH``.
        BadTextError: A text cannot be kept.
    """
    waiting: list[tuple[object, int]] = [(value, 0)]
    while waiting:
        one, depth = waiting.pop()
        if depth > MAX_DEPTH:
            raise NotJsonError
        match one:
            case str() as text if "\0" in text or any("\ud800" <= c <= "\udfff" for c in text):
                raise BadTextError
            case dict() as table:  # pyright: ignore[reportUnknownVariableType]
                parts = cast("dict[str, object]", table)
                waiting.extend((part, depth + 1) for pair in parts.items() for part in pair)
            case list() as items:  # pyright: ignore[reportUnknownVariableType]
                waiting.extend((item, depth + 1) for item in cast("list[object]", items))
            case _:
                pass
