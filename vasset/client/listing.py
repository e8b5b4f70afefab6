"""The listing of downloads: pages of the history, for a terminal, a pipe or a program."""

import asyncio
import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from vasset import faults
from vasset.client.api import Api, ApiError, Place, open_api
from vasset.client.boards import Lines
from vasset.client.events import printable
from vasset.client.shapes import Download, Page, Shown

_LARGEST_PAGE = 100
_GAP = 2
_SHORTEST_NAME = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Filters:
    """Which downloads are listed; None for all."""

    status: str | None
    mode: str | None
    search: str | None
    limit: int


def rows(place: Place, filters: Filters) -> list[dict[str, object]]:
    """Return downloads as the server shows them, newest first.

    Raises:
        ApiError: The server refused or does not answer.
    """
    return asyncio.run(_rows(place, filters))


def remove(place: Place, history_ids: Sequence[int]) -> bool:
    """Delete downloads with their files; say which could not be, and return whether all were."""
    return asyncio.run(_remove(place, history_ids))


def write(found: Sequence[Mapping[str, object]], *, as_json: bool) -> None:
    """Write a list of downloads: a table on a terminal, tabs in a pipe, or JSON."""
    if as_json:
        sys.stdout.write(f"{json.dumps(found)}\n")
        return
    downloads = [Download.model_validate(row) for row in found]
    if sys.stdout.isatty():
        _write_table([_cells(one, _status_and_wait(one)) for one in downloads])
    else:
        lines = [_cells(one, one.status) for one in downloads]
        sys.stdout.writelines("\t".join(line) + "\n" for line in lines)


def _write_table(lines: Sequence[Sequence[str]]) -> None:
    from rich.console import Console  # noqa: PLC0415 - only a terminal needs it
    from rich.table import Table  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    console = Console(highlight=False)
    table = Table(box=None, pad_edge=False)
    headings = ("ID", "STATUS", "MODE", "BYTES", "CREATED")
    left = console.width
    for heading, *column in zip(headings, *(line[:-1] for line in lines), strict=True):
        table.add_column(heading, no_wrap=True, justify="right" if heading == "BYTES" else "left")
        left -= max(map(len, (heading, *column))) + _GAP
    # On a narrow terminal the name alone is cut.
    table.add_column("NAME", overflow="ellipsis", no_wrap=True, max_width=max(left, _SHORTEST_NAME))
    for line in lines:
        table.add_row(*(Text(cell) for cell in line))
    console.print(table)


def _status_and_wait(download: Download) -> str:
    """Return the status and what it waits for: for eyes alone, a script goes by the status."""
    waiting = download.waiting
    return download.status if waiting is None else f"{download.status} ({waiting.text})"


def _cells(download: Download, status: str) -> list[str]:
    size = "" if download.file_size is None else str(download.file_size)
    name = download.file_name or download.title or download.url
    created = download.created_at[:19]
    cells = [str(download.history_id), status, download.mode, size, created, name]
    return [printable(cell) for cell in cells]


async def _rows(place: Place, filters: Filters) -> list[dict[str, object]]:
    asked = {"status": filters.status, "mode": filters.mode, "q": filters.search}
    query = {name: text for name, text in asked.items() if text is not None}
    found: list[dict[str, object]] = []
    async with open_api(place, Lines().show) as api:
        while len(found) < filters.limit:
            query["limit"] = str(min(filters.limit - len(found), _LARGEST_PAGE))
            page = await api.ask("GET", "/user/history", Page, query=query)
            found += page.items
            if page.next_cursor is None:
                break
            query["cursor"] = page.next_cursor
    return found


async def _remove(place: Place, history_ids: Sequence[int]) -> bool:
    async with open_api(place, Lines().show) as api:
        return all([await _is_removed(api, history_id) for history_id in history_ids])


async def _is_removed(api: Api, history_id: int) -> bool:
    try:
        await api.ask("DELETE", f"/user/history/{history_id}", Shown)
    except ApiError as error:
        faults.say(f"{history_id}: {error}")
        return False
    return True
