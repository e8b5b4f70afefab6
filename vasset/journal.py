"""What the parts log, as far as the person at the terminal wants to see it."""

import json
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import structlog

from runtime.settings import Log

_LOUD = ("warning", "error", "critical")
_LARGEST_BYTES = 16 * 2**20


@dataclass(slots=True)
class _Followed:
    """A log and how far it was read."""

    file: Path
    offset: int
    is_shown: bool
    rest: bytes = b""


@dataclass(slots=True)
class Journal:
    """Follows the parts' logs in their files.

    Files and not pipes: a part never waits for us, and what it said last stays readable if we
    are killed. Warnings and worse are shown; with ``format = "json"`` everything is, as it is.
    """

    settings: Log
    _followed: list[_Followed] = field(default_factory=list[_Followed], init=False)

    def follow(self, file: Path, *, is_shown: bool) -> None:
        """Show from now on what is added to a log, or only keep it from growing for ever."""
        _turn_over(file)
        offset = file.stat().st_size if file.exists() else 0
        self._followed.append(_Followed(file, offset, is_shown))

    def show(self) -> None:
        """Write what was added since the last call to standard error."""
        for followed in self._followed:
            for line in _added(followed):
                if followed.is_shown and (shown := self._shown(line)) is not None:
                    sys.stderr.write(f"{shown}\n")
        sys.stderr.flush()

    def _shown(self, line: str) -> str | None:
        """Return a line as it is shown, or None if it is not."""
        if self.settings.format == "json":
            return line
        try:
            event: Any = json.loads(line)
        except ValueError:
            return None
        if not isinstance(event, dict) or cast("Any", event).get("level") not in _LOUD:
            return None
        if self.settings.format == "auto" and not sys.stderr.isatty():
            return line
        fields = _in_one_line(cast("dict[str, Any]", event))
        return str(structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())(None, "", fields))


def _in_one_line(event: dict[str, Any]) -> dict[str, Any]:
    """Return an event whose traceback is cut down to what was raised; the log has it whole."""
    raised: Any = event.pop("exception", None)
    if isinstance(raised, list) and raised:
        last = cast("list[dict[str, Any]]", raised)[-1]
        event["raised"] = f"{last.get('exc_type')}: {last.get('exc_value')}"
    return event


def _added(followed: _Followed) -> list[str]:
    try:
        with followed.file.open("rb") as stream:
            if stream.seek(0, 2) < followed.offset:
                followed.offset = 0
            stream.seek(followed.offset)
            # Bounded, so that a part that shouts cannot hold up the supervisor.
            added = stream.read(2**20)
    except FileNotFoundError:
        return []
    followed.offset += len(added)
    *lines, followed.rest = (followed.rest + added).split(b"\n")
    if followed.offset > _LARGEST_BYTES:
        _turn_over(followed.file)
    return [line.decode(errors="replace") for line in lines]


def _turn_over(file: Path) -> None:
    """Move a log's content aside once it is large; its writer appends, so it may stay open."""
    if not file.exists() or file.stat().st_size <= _LARGEST_BYTES:
        return
    older = file.with_name(f"{file.name}.1")
    older.write_bytes(file.read_bytes())
    file.write_bytes(b"")
