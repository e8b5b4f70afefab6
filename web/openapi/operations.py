"""Operations: what each route expects and answers, declared beside it for /openapi.json."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from pydantic import BaseModel

View = TypeVar("View", bound=Callable[..., Any])

BINARY = "application/octet-stream"
HTML = "text/html"

Answer = type[BaseModel] | str | None
"""A shape as JSON, another media type, or no body."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One route.

    Attributes:
        problems: Statuses of its own, beside those that follow from the rest.
        takes_ticket: Whether a ticket in the query does instead of a token.
        takes_key: Whether the same Idempotency-Key gives the same answer again.
        needs_records: Whether it is answered 503 when the database is away.
    """

    tag: str
    answers: Mapping[int, Answer]
    body: type[BaseModel] | None = None
    query: type[BaseModel] | None = None
    problems: tuple[int, ...] = ()
    is_public: bool = False
    takes_ticket: bool = False
    takes_key: bool = False
    needs_records: bool = True


OPERATIONS: dict[Callable[..., Any], Operation] = {}
"""Every declared route by its function; a test holds it against the routes that exist."""


def operation(declared: Operation) -> Callable[[View], View]:
    """Declare what a route expects and answers; its docstring says what it is for."""

    def remember(view: View) -> View:
        OPERATIONS[view] = declared
        return view

    return remember
