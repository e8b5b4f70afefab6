"""The board of a terminal: a bar for each download, first the server's way, then ours."""

import asyncio
import sys
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)
from rich.progress import (
    Progress as RichProgress,
)
from rich.text import Text

from vasset.client.boards import cautions, failure, remark
from vasset.client.events import (
    Accepted,
    Event,
    Failed,
    Listed,
    Progress,
    Saved,
    Saving,
    Waiting,
    printable,
)

_MOST_WAITING = 10
"""So many bars are shown of what is only queued."""


class Bars:
    """Bars while it lasts; what arrived or failed stays above them as a line."""

    def __init__(self) -> None:
        self._bars = RichProgress(
            TextColumn("{task.fields[name]}", markup=False),
            TextColumn("{task.description}", markup=False, style="cyan"),
            BarColumn(bar_width=None),
            DownloadColumn(binary_units=True),
            TransferSpeedColumn(),
            TimeRemainingColumn(),
            console=Console(highlight=False),
            expand=True,
        )
        self._tasks: dict[int, TaskID] = {}

    def __enter__(self) -> Self:
        self._bars.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._bars.stop()

    def show(self, event: Event) -> None:
        """Move a bar, or replace it by a line."""
        match event:
            case Accepted():
                self._add(event)
            case Progress():
                self._move(event)
            case Saving():
                self._save(event)
            case Saved():
                self._end(event.history_id, Text(f"✓ {printable(event.path)}"))
                for line in cautions(event):
                    self._bars.console.print(Text(line, style="yellow"), soft_wrap=True)
            case Failed():
                self._end(event.history_id, Text(f"✗ {failure(event)}", style="red"))
            case Waiting() | Listed():
                history_id = event.history_id if isinstance(event, Listed) else None
                self._end(history_id, Text(remark(event), style="yellow"))

    async def agrees(self, question: str) -> bool | None:
        """Ask the person at the terminal, with the bars out of the way; no is the default."""
        if not sys.stdin.isatty():
            return None
        self._bars.stop()
        try:
            sys.stderr.write(f"{printable(question)} [y/N]: ")
            sys.stderr.flush()
            return (await _line()).strip().lower() in ("y", "yes")
        finally:
            self._bars.start()

    def _add(self, event: Accepted) -> None:
        name = printable(event.title or event.url.rstrip("/").rpartition("/")[2])[:32] or "?"
        self._tasks[event.history_id] = self._bars.add_task(
            "queued",
            name=f"{event.history_id} {name}",
            total=None,
            visible=len(self._tasks) < _MOST_WAITING,
        )

    def _move(self, event: Progress) -> None:
        if (task := self._tasks.get(event.history_id)) is None:
            return
        is_running = event.status == "running"
        self._bars.update(
            task,
            description=event.stage if is_running else event.status,
            total=event.total_bytes,
            completed=event.downloaded_bytes or 0,
        )
        if is_running:
            self._bars.update(task, visible=True)

    def _save(self, event: Saving) -> None:
        if (task := self._tasks.get(event.history_id)) is None:
            return
        if self._bars.tasks[self._bars.task_ids.index(task)].description != "saving":
            # A speed and a time of its own.
            self._bars.reset(task, total=event.size_bytes, description="saving", visible=True)
        self._bars.update(task, completed=event.arrived_bytes)

    def _end(self, history_id: int | None, line: Text) -> None:
        task = self._tasks.pop(history_id, None) if history_id is not None else None
        if task is not None:
            self._bars.remove_task(task)
        self._bars.console.print(line, soft_wrap=True)


async def _line() -> str:
    """Return the next line of standard input; empty at its end."""
    loop = asyncio.get_running_loop()
    read = loop.create_future()

    def take() -> None:
        if not read.done():
            read.set_result(sys.stdin.readline())

    # Not in a thread: Ctrl-C could not end one that reads.
    loop.add_reader(sys.stdin, take)
    try:
        line: str = await read
    finally:
        loop.remove_reader(sys.stdin)
    return line
