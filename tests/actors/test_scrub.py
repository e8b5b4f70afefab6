"""The scrub: what it finds in files, and what it lets their rows say."""

import errno
import os
from collections.abc import MutableMapping
from pathlib import Path
from typing import Any

import pytest
import structlog

from actors import scrub
from actors.rereading import PIECE_BYTES, Pace
from storage.db import Db
from storage.files import Files, RootMissingError
from tests.actors.scrubbing import CHORE, COMMAND, CONTENT, scrubbed
from tests.support.archive import NODE, Archive, flip


@pytest.fixture
def lines(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """What the scrub logs while the test runs."""
    seen: list[dict[str, Any]] = []

    def keep(_: object, level: str, event: MutableMapping[str, Any]) -> dict[str, Any]:
        seen.append({**event, "level": level})
        raise structlog.DropEvent

    monkeypatch.setattr(scrub, "_log", structlog.wrap_logger(None, processors=[keep]))
    return seen


def spoil(path: Path, how: str) -> None:
    match how:
        case "flip":
            flip(path, len(CONTENT) - 1)
        case "remove":
            path.unlink()
        case "truncate":
            os.truncate(path, 5)
        case _:
            path.unlink()
            path.symlink_to("/etc/passwd")


def restore(path: Path) -> None:
    """Put the right bytes into a place, as a backup does: under another inode."""
    twin = path.with_name("twin")
    twin.write_bytes(CONTENT)
    twin.replace(path)


async def test_what_fits_is_read_and_has_no_mark(db: Db, archive: Archive) -> None:
    kept = await archive.add(CONTENT)
    empty = await archive.add(b"")

    found = await scrubbed(db, archive.files)
    row, again = await archive.row(kept), await scrubbed(db, archive.files)

    assert [one.asset.history_id for one in found] == [kept.history_id, empty.history_id]
    assert all(one.is_well for one in found)
    assert again == []
    assert row["file_fault"] is None


@pytest.mark.parametrize(
    ("how", "fault"),
    [("flip", "corrupt"), ("remove", "missing"), ("truncate", "changed"), ("link", "changed")],
)
async def test_what_does_not_fit_is_marked_told_once_and_healed_by_the_right_file(
    db: Db, archive: Archive, lines: list[dict[str, Any]], how: str, fault: str
) -> None:
    kept, well = await archive.add(CONTENT), await archive.add(CONTENT)
    spoil(kept.path, how)

    first = [one.fault for one in await scrubbed(db, archive.files)]
    again = [one.fault for one in await scrubbed(db, archive.files)]
    marked = await archive.fault(kept)
    told = lines.copy()
    restore(kept.path)
    healed = [one.is_well for one in await scrubbed(db, archive.files)]

    assert (first, again, marked) == ([fault, None], [fault], fault)
    assert [
        (line["event"], line["level"], line["history_id"], line["user_id"], line["node"])
        for line in told
    ] == [(f"asset_{fault}", "error", kept.history_id, archive.user.user_id, NODE)]
    assert told[0]["advice"]
    assert healed == [True]
    assert [await archive.fault(kept), await archive.fault(well)] == [None, None]


async def test_a_restored_backup_is_adopted(db: Db, archive: Archive) -> None:
    kept = await archive.add(CONTENT)
    before = (await archive.row(kept))["file_inode"]
    restore(kept.path)

    found = await scrubbed(db, archive.files)

    assert [one.is_well for one in found] == [True]
    assert (await archive.row(kept))["file_inode"] == kept.path.stat().st_ino != before


async def test_corrupt_is_never_taken_for_less(db: Db, archive: Archive) -> None:
    kept = await archive.add(CONTENT)
    flip(kept.path)
    await scrubbed(db, archive.files)
    kept.path.rename(kept.path.with_name("away"))

    found = await scrubbed(db, archive.files)

    # `missing` would heal with the same inode's return, which nobody would have read.
    assert [one.fault for one in found] == ["missing"]
    assert await archive.fault(kept) == "corrupt"


async def test_what_its_owner_deletes_meanwhile_gets_no_mark(
    db: Db, archive: Archive, lines: list[dict[str, Any]]
) -> None:
    read, waiting = await archive.add(CONTENT), await archive.add(CONTENT)
    flip(read.path)

    async def delete_both(_seconds: float) -> None:
        await archive.delete(read)
        await archive.delete(waiting)

    found = await scrubbed(db, archive.files, pace=Pace(2**20, sleep=delete_both))

    assert [(one.asset.history_id, one.is_well) for one in found] == [(read.history_id, True)]
    assert [await archive.fault(read), await archive.fault(waiting)] == [None, None]
    assert lines == []


@pytest.mark.parametrize("size_bytes", [PIECE_BYTES, len(CONTENT) + 1])
async def test_what_changes_its_size_while_it_is_read_is_changed(
    db: Db, archive: Archive, size_bytes: int
) -> None:
    kept = await archive.add(CONTENT)

    async def resize(_seconds: float) -> None:
        os.truncate(kept.path, size_bytes)

    found = await scrubbed(db, archive.files, pace=Pace(2**20, sleep=resize))

    assert [one.fault for one in found] == ["changed"]
    assert await archive.fault(kept) == "changed"


async def test_nothing_is_marked_while_the_disk_is_away(db: Db, archive: Archive) -> None:
    kept = [await archive.add(CONTENT) for _ in range(2)]
    root = archive.files.root
    root.rename(root.with_name("unmounted"))
    root.mkdir()

    with pytest.raises(RootMissingError):
        await scrubbed(db, archive.files)

    assert [await archive.fault(one) for one in kept] == [None, None]


async def test_nothing_is_marked_when_the_disk_goes_in_that_very_moment(
    db: Db, archive: Archive
) -> None:
    class Vanishing(Files):
        def open(self, asset: Path) -> int:
            self.root.rename(self.root.with_name("unmounted"))
            raise FileNotFoundError(asset)

    kept = await archive.add(CONTENT)

    with pytest.raises(RootMissingError):
        await scrubbed(db, Vanishing(archive.files.root, node=NODE))

    assert await archive.fault(kept) is None


async def test_what_cannot_be_read_is_told_left_as_it_was_and_stands_in_nobodys_way(
    db: Db, archive: Archive, lines: list[dict[str, Any]]
) -> None:
    broken, well = await archive.add(CONTENT), await archive.add(CONTENT)

    class Failing(Files):
        def open(self, asset: Path) -> int:
            if asset == broken.path:
                raise OSError(errno.EIO, os.strerror(errno.EIO))
            return super().open(asset)

    files = Failing(archive.files.root, node=NODE)

    runs = [await scrubbed(db, files, due) for due in (CHORE, CHORE, COMMAND)]

    assert [[one.asset.history_id for one in run] for run in runs] == [
        [broken.history_id, well.history_id],
        [],
        [broken.history_id],
    ]
    assert [one.trouble for one in runs[0]] == ["Input/output error", ""]
    assert [line["event"] for line in lines] == ["asset_unreadable"] * 2
    assert await archive.fault(broken) is None
