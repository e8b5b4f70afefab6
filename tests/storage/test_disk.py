"""How much a node may take, on a real small disk."""

from collections.abc import Generator
from pathlib import Path

import pytest

from storage.disk import measure
from storage.files import Files
from tests.support.small_disk import SmallDisk

MIB = 1 << 20
PIECE = bytes(4 * MIB)


@pytest.fixture
def disk(tmp_path: Path) -> Generator[SmallDisk]:
    with SmallDisk(tmp_path / "disk", size_bytes=64 * MIB) as disk:
        yield disk


@pytest.fixture
def files(disk: SmallDisk) -> Files:
    files = Files(disk.folder, node="node-a")
    files.prepare_root()
    return files


def test_what_is_being_fetched_takes_no_room_away_and_what_stays_does(files: Files) -> None:
    empty = measure(files, stop_ratio=0.75)
    staged = files.fresh_staging(1, 1) / "media.mp4"
    staged.write_bytes(PIECE)
    fetched = measure(files, stop_ratio=0.75)
    final = files.root / "tmp" / "1"
    files.place(staged, final, size_bytes=len(PIECE))
    kept = measure(files, stop_ratio=0.75)

    assert empty.total_bytes == 64 * MIB
    # One page is the marker's.
    assert empty.room_bytes == pytest.approx(48 * MIB, abs=8192)
    assert (fetched.room_bytes, fetched.staging_bytes) == (empty.room_bytes, len(PIECE))
    assert (kept.room_bytes, kept.staging_bytes) == (empty.room_bytes - len(PIECE), 0)


def test_a_disk_is_full_at_the_stop_line(disk: SmallDisk, files: Files) -> None:
    other = disk.fill(but_bytes=16 * MIB)
    full = measure(files, stop_ratio=0.75)
    other.unlink()

    assert full.is_full
    assert full.room_bytes <= 0
    assert not measure(files, stop_ratio=0.75).is_full
