"""Boards without a terminal: lines for people and logs, JSON for programs."""

import json
import sys
from dataclasses import asdict, dataclass, field
from typing import TextIO

from vasset import faults
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

_STEP_PERCENT = 25


@dataclass(slots=True)
class Lines:
    """What arrived goes to standard output, a path a line; what happens, to standard error.

    Attributes:
        gives_ids: Whether standard output gets the ids of what was accepted instead.
    """

    gives_ids: bool = False
    _told: dict[int, str] = field(default_factory=dict[int, str])

    def show(self, event: Event) -> None:
        """Write a line, but none for figures that have not grown by a quarter."""
        match event:
            case Accepted():
                self._accept(event)
            case Progress():
                self._tell(event.history_id, _standing(event))
            case Saving():
                share = event.arrived_bytes * 100 / max(event.size_bytes, 1)
                self._tell(event.history_id, f"saving {_step(share)}%")
            case Saved():
                _write(sys.stdout, event.path)
                for line in cautions(event):
                    _write(sys.stderr, line)
            case Failed():
                faults.say(failure(event))
            case Waiting() | Listed():
                _write(sys.stderr, remark(event))

    async def agrees(self, question: str) -> None:
        """Ask nothing: there may be no one to answer."""

    def _accept(self, event: Accepted) -> None:
        if self.gives_ids:
            _write(sys.stdout, str(event.history_id))
        else:
            called = f" ({event.title})" if event.title else ""
            self._tell(event.history_id, printable(f"accepted {event.url}{called}"))

    def _tell(self, history_id: int, text: str) -> None:
        if self._told.get(history_id) != text:
            self._told[history_id] = text
            _write(sys.stderr, f"{history_id}: {text}")


class JsonLines:
    """Each event is an object on a line of standard output; ``event`` says which."""

    def show(self, event: Event) -> None:
        """Write an event."""
        name = type(event).__name__.lower()
        _write(sys.stdout, json.dumps({"event": name, **asdict(event)}))

    async def agrees(self, question: str) -> None:
        """Ask nothing: a program does not answer questions."""


def cautions(event: Saved) -> list[str]:
    """Return the warnings of a saved file, each in one line."""
    return [printable(f"{event.history_id}: warning: {text}") for text in event.warnings]


def remark(event: Waiting | Listed) -> str:
    """Return in one line what is neither progress nor an end."""
    if isinstance(event, Listed):
        return printable(f"{event.url} {event.message}")
    return f"waiting {event.seconds:.0f} s, then going on: {printable(event.message)}"


def failure(event: Failed) -> str:
    """Return a failure in one line."""
    who = event.url if event.history_id is None else f"{event.history_id} {event.url}".strip()
    return printable(f"{who}: {event.message}")


def _standing(event: Progress) -> str:
    if event.status != "running":
        return event.status
    known = "" if event.percent is None else f" {_step(event.percent)}%"
    return f"{event.stage}{known}"


def _step(percent: float) -> int:
    return int(percent // _STEP_PERCENT * _STEP_PERCENT)


def _write(stream: TextIO, text: str) -> None:
    stream.write(f"{text}\n")
    stream.flush()
