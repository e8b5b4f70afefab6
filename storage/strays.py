"""Strays: files under the root that no row names; set aside for a day before they go."""

import os
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

QUARANTINE = ".quarantine"


class Strays:
    """Looks for strays below one storage root. Every call blocks: run it in a thread."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def older_than(self, age: timedelta) -> Iterator[tuple[int | None, Path]]:
        """Yield each file that may be a stray with the id in its name, None if it has none.

        A younger one may belong to a row that is being written; links are not followed.
        """
        latest = time.time() - age.total_seconds()
        for top in ("tmp", "archive"):
            for folder, _, names in os.walk(self._root / top):
                for path in (Path(folder) / name for name in names):
                    # The time of the move into place; the file itself may be older.
                    if path.lstat().st_ctime <= latest:
                        yield (int(path.name) if _is_id(path.name) else None), path

    def quarantine(self, path: Path) -> None:
        """Set a stray aside, where nothing reads it."""
        folder = self._root / QUARANTINE
        folder.mkdir(mode=0o700, exist_ok=True)
        # The name keeps the time: the file may be an asset's too, by another name.
        path.rename(folder / f"{time.time_ns()}-{path.name[:100]}")

    def forget(self, age: timedelta) -> int:
        """Delete what has been set aside for so long; return how many files."""
        folder = self._root / QUARANTINE
        latest = time.time_ns() - int(age.total_seconds() * 1e9)
        old = [p for p in folder.glob("[0-9]*-*") if int(p.name.partition("-")[0]) <= latest]
        for path in old:
            path.unlink(missing_ok=True)
        return len(old)


def _is_id(name: str) -> bool:
    return name.isascii() and name.isdigit() and len(name) < 19  # noqa: PLR2004 - fits a bigint
