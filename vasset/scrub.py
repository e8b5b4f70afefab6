"""`vasset scrub`: reads the archive of this node, and tells what is wrong with it."""

import json
from contextlib import aclosing, closing
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import typer

from actors.rereading import Pace, Rereading
from actors.scrub import Scrub, Scrubbed
from runtime import logs
from runtime.settings import Storage
from storage.assets import Assets, ScrubDue
from storage.db import Db
from storage.files import Files
from vasset import configured
from vasset.asking import ask_database

_NONE = timedelta(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What a person asked for.

    Attributes:
        rate_mib_s: None as the settings say.
        is_all: Also what was read a moment ago.
    """

    rate_mib_s: int | None
    is_all: bool
    is_json: bool


@dataclass(slots=True, kw_only=True)
class _Report:
    """What was found so far."""

    files: Files
    is_json: bool
    count: int = 0
    read_bytes: int = 0
    is_complete: bool = False
    faulty: list[Scrubbed] = field(default_factory=list[Scrubbed])

    def add(self, found: Scrubbed) -> None:
        """Count one asset, and tell of it at once if it is not well."""
        self.count += 1
        if not found.is_well:
            self.faulty.append(found)
            if not self.is_json:
                typer.echo(f"{_word(found):<10}  {self._path(found)}  {found.trouble}".rstrip())

    def tell(self) -> None:
        """Write what is said at the end."""
        if self.is_json:
            typer.echo(json.dumps(self._document()))
            return
        told = f"{self.count} files, {self.read_bytes / 2**30:.2f} GiB read"
        more = "" if self.is_complete else "; stopped before the end"
        typer.echo(f"{told}, {len(self.faulty)} faults{more}")

    def _document(self) -> dict[str, object]:
        return {
            "complete": self.is_complete,
            "files": self.count,
            "read_bytes": self.read_bytes,
            "faults": [
                {
                    "history_id": found.asset.history_id,
                    "user_id": found.asset.user_id,
                    "fault": _word(found),
                    "path": self._path(found),
                    "trouble": found.trouble,
                }
                for found in self.faulty
            ],
        }

    def _path(self, found: Scrubbed) -> str:
        return str(self.files.path_of(found.asset))


def scrub(data: Path | None, wanted: Wanted) -> int:
    """Read what is due, tell what was found and return the exit status: 1 if not all is well.

    What was found is told too when the disk or the database goes away, or on Ctrl-C.

    Raises:
        CommandError: No database is known.
        DatabaseError: It cannot be reached.
        RootMissingError: The storage root is not there, or is another node's.
        SettingsError: A setting is wrong or unknown.
    """
    settings = configured.with_database(data)
    logs.configure(settings.log, part="scrub")
    storage = settings.storage
    files = Files(storage.root, node=storage.node)
    files.check_root()
    report = _Report(files=files, is_json=wanted.is_json)
    try:
        ask_database(data, lambda db: _scrub(db, storage, wanted, report))
    finally:
        report.tell()
    return 1 if report.faulty else 0


async def _scrub(db: Db, storage: Storage, wanted: Wanted, report: _Report) -> None:
    age = _NONE if wanted.is_all else timedelta(days=storage.scrub_every_d)
    # No rest: a person who mended something wants to know at once.
    due = ScrubDue(age=age, rest=_NONE)
    rate = storage.scrub_bytes_per_s if wanted.rate_mib_s is None else wanted.rate_mib_s << 20
    with closing(Rereading(report.files, Pace(rate))) as reading:
        run = Scrub(Assets(db, node=storage.node), reading, node=storage.node).run(due)
        try:
            async with aclosing(run) as found:
                async for one in found:
                    report.add(one)
            report.is_complete = True
        finally:
            report.read_bytes = reading.read_bytes


def _word(found: Scrubbed) -> str:
    return "unreadable" if found.fault is None else found.fault.value
