"""Rereading: the rate is held, and descriptors are closed in their time."""

import asyncio
import threading
from contextlib import closing, suppress
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import pytest

from actors.rereading import PIECE_BYTES, SAVED_S, Pace, Rereading
from domain.download import Digest
from domain.states import Mode
from storage.assets import KeptAsset
from storage.files import Files
from tests.support.waiting import eventually

MIB = 1 << 20


class Clock:
    """A time that passes while somebody sleeps, or when told."""

    def __init__(self) -> None:
        self.now_s = 100.0

    def now(self) -> float:
        return self.now_s

    async def sleep(self, seconds: float) -> None:
        self.now_s += seconds


class Held(Files):
    """Files that are opened only when the test lets them."""

    def __init__(self, root: Path) -> None:
        super().__init__(root, node="node-a")
        self.asked = threading.Event()
        self.gate = threading.Event()

    def open(self, asset: Path) -> int:
        self.asked.set()
        self.gate.wait(10)
        return super().open(asset)


def an_asset(files: Files, size_bytes: int) -> KeptAsset:
    """Return an asset of zeros that stands in its place, with a digest that is not its own."""
    asset = KeptAsset(
        history_id=7,
        user_id=3,
        mode=Mode.ARCHIVE,
        asset_uuid=UUID(int=7),
        created_at=datetime(2026, 11, 23, tzinfo=UTC),
        file_name="A film.mp4",
        digest=Digest(md5="0" * 32, size_bytes=size_bytes),
        inode=None,
        fault=None,
    )
    files.prepare_root()
    path = files.path_of(asset)
    path.parent.mkdir(parents=True)
    path.write_bytes(bytes(size_bytes))
    return asset


def open_descriptors(file: Path) -> int:
    """Return how many descriptors of this process lead to a file."""
    found = 0
    for descriptor in Path("/proc/self/fd").iterdir():
        # One of them is that of the listing itself, closed by now.
        with suppress(FileNotFoundError):
            found += descriptor.readlink() == file
    return found


def readers() -> list[str]:
    """Return the threads that reread."""
    return [one.name for one in threading.enumerate() if one.name.startswith("rereading")]


async def test_the_rate_is_held_and_used() -> None:
    clock = Clock()
    pace = Pace(20 * MIB, now=clock.now, sleep=clock.sleep)

    for _ in range(200):
        await pace.turn(MIB)

    # The last one may be read; it is not paid for yet.
    assert clock.now_s - 100 == pytest.approx(199 / 20)


async def test_what_the_disk_took_counts_too() -> None:
    clock = Clock()
    pace = Pace(20 * MIB, now=clock.now, sleep=clock.sleep)

    for _ in range(200):
        await pace.turn(MIB)
        clock.now_s += 0.04

    assert clock.now_s - 100 == pytest.approx(199 / 20 + 0.04)


async def test_an_idle_hour_is_not_made_up_for() -> None:
    clock = Clock()
    pace = Pace(20 * MIB, now=clock.now, sleep=clock.sleep)
    await pace.turn(MIB)
    clock.now_s += 3_600
    begun = clock.now_s

    for _ in range(200):
        await pace.turn(MIB)

    assert clock.now_s - begun == pytest.approx(199 / 20 - SAVED_S)


async def test_a_cancelled_reading_closes_its_file(tmp_path: Path) -> None:
    files = Files(tmp_path, node="node-a")
    asset = an_asset(files, 3 * PIECE_BYTES)
    path = files.path_of(asset)
    asleep = asyncio.Event()

    async def sleep_for_ever(_seconds: float) -> None:
        asleep.set()
        await asyncio.Event().wait()

    with closing(Rereading(files, Pace(1, sleep=sleep_for_ever))) as reading:
        task = asyncio.create_task(reading.compare(asset))
        await asyncio.wait_for(asleep.wait(), 30)
        opened = open_descriptors(path)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    assert opened == 1
    await eventually(lambda: open_descriptors(path) == 0)


async def test_what_opens_after_the_cancel_is_closed_too(tmp_path: Path) -> None:
    files = Held(tmp_path)
    asset = an_asset(files, 10)
    path = files.path_of(asset)

    with closing(Rereading(files, Pace(MIB))) as reading:
        task = asyncio.create_task(reading.compare(asset))
        await eventually(files.asked.is_set)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        files.gate.set()

    # The thread ends after the last of what it was asked: to close.
    await eventually(lambda: not readers())
    assert open_descriptors(path) == 0
