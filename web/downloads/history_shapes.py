"""The shapes of lists of downloads: which are asked for, and a page of them."""

from datetime import datetime
from typing import Annotated

from pydantic import AfterValidator, BaseModel, BeforeValidator, Field, WithJsonSchema

from domain.characters import safe_text
from domain.states import Mode, Status
from web.fields import Asked, PageSize
from web.shapes import DownloadShown

MAX_SEARCH = 200

_STATUSES = {status.label: status for status in Status}


def _parse_status(text: object) -> object:
    """Return the status of a name.

    Raises:
        ValueError: There is none of this name.
    """
    if not isinstance(text, str) or text not in _STATUSES:
        message = f"must be one of {', '.join(_STATUSES)}"
        raise ValueError(message)
    return _STATUSES[text]


def _check_search(text: str) -> str:
    if safe_text(text) != text:
        message = "must be plain text"
        raise ValueError(message)
    return text


StatusName = Annotated[
    Status,
    BeforeValidator(_parse_status),
    WithJsonSchema({"type": "string", "enum": list(_STATUSES)}),
]
# Written out: a query has no place for the definition that a reference would need.
ModeName = Annotated[Mode, WithJsonSchema({"type": "string", "enum": list(Mode)})]
Search = Annotated[
    str,
    Field(
        min_length=1,
        max_length=MAX_SEARCH,
        description="What stands in the title or the address, in any case; nothing is special.",
    ),
    AfterValidator(_check_search),
]
Cursor = Annotated[str, Field(description="The next_cursor of the page before.")]


class HistoryAsked(Asked):
    """Which page of the history."""

    status: StatusName | None = None
    mode: ModeName | None = None
    q: Search | None = None
    cursor: Cursor | None = None
    limit: PageSize = 50


class PageShown(BaseModel):
    """A page of the history; ``next_cursor`` is null on the last one.

    A page of a search may hold fewer than ``limit`` items, even none, with more behind it.
    """

    items: list[DownloadShown]
    next_cursor: str | None


class StatsShown(BaseModel):
    """A user's numbers since the account was made."""

    since: datetime
    downloads: Annotated[dict[str, int], Field(description="How many of each status.")]
    bytes_kept: int
    bytes_delivered: int
    transfers: int
