"""`vasset scrub` on a real archive: what it says, its exit status, and its end."""

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from runtime.settings_layers import FILE_VARIABLE, load
from storage.db import Db
from tests.support.archive import NODE, Archive, flip
from tests.support.waiting import eventually
from tests.vasset.test_commands import UNREACHABLE, vasset
from tests.vasset.test_up import run, started

CONTENT = os.urandom(3 << 20)
Scrub = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def fleet(database_url: str, tmp_path: Path) -> dict[str, str]:
    """The environment of a storage node."""
    return {
        "VASSET_DATABASE__URL": database_url,
        "VASSET_STORAGE__NODE": NODE,
        "VASSET_STORAGE__ROOT": str(tmp_path / "root"),
    }


@pytest.fixture
async def archive(db: Db, tmp_path: Path) -> Archive:
    return await Archive.create(db, tmp_path / "root")


@pytest.fixture
def scrub(fleet: dict[str, str], tmp_path: Path) -> Scrub:
    def run_it(*words: str, **more: str) -> "subprocess.CompletedProcess[str]":
        return vasset("scrub", *words, data=tmp_path, environment=fleet | more)

    return run_it


async def test_a_sound_archive_is_one_line_and_status_0(archive: Archive, scrub: Scrub) -> None:
    await archive.add(CONTENT)
    await archive.add(CONTENT, read_ago=timedelta(days=6))

    done = scrub("--rate", "1000")
    again = scrub("--all", "--json")

    assert (done.returncode, done.stdout) == (0, "1 files, 0.00 GiB read, 0 faults\n")
    assert json.loads(again.stdout) == {
        "complete": True,
        "files": 2,
        "read_bytes": 2 * len(CONTENT),
        "faults": [],
    }


async def test_each_fault_is_one_line_with_its_path_and_status_1(
    archive: Archive, scrub: Scrub
) -> None:
    corrupt, missing, _ = [await archive.add(CONTENT) for _ in range(3)]
    flip(corrupt.path)
    missing.path.unlink()

    first, again = scrub(), json.loads(scrub("--json").stdout)
    corrupt.path.write_bytes(CONTENT)
    missing.path.write_bytes(CONTENT)
    healed = scrub()

    assert first.returncode == 1
    assert first.stdout.splitlines() == [
        f"corrupt     {corrupt.path}",
        f"missing     {missing.path}",
        "3 files, 0.01 GiB read, 2 faults",
    ]
    assert [json.loads(line)["event"] for line in first.stderr.splitlines()] == [
        "asset_corrupt",
        "asset_missing",
    ]
    assert again["faults"][0] == {
        "history_id": corrupt.history_id,
        "user_id": archive.user.user_id,
        "fault": "corrupt",
        "path": str(corrupt.path),
        "trouble": "",
    }
    assert (healed.returncode, healed.stdout) == (0, "2 files, 0.01 GiB read, 0 faults\n")


async def test_ctrl_c_tells_what_was_found_so_far(
    archive: Archive, fleet: dict[str, str], tmp_path: Path
) -> None:
    missing, large = await archive.add(CONTENT), await archive.add(CONTENT)
    missing.path.unlink()
    process = await asyncio.create_subprocess_exec(
        *[sys.executable, "-m", "vasset.main", "scrub", "--rate", "1"],
        env={"VASSET_DATA": str(tmp_path), "PATH": os.defpath, **fleet},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    # Until it has told of the first one and has the second one in hand.
    await eventually(lambda: archive.is_taken(large), timeout_s=60)
    process.send_signal(signal.SIGINT)
    said, faults = await asyncio.wait_for(process.communicate(), 60)

    assert process.returncode == 130
    assert said.decode().splitlines() == [
        f"missing     {missing.path}",
        "1 files, 0.00 GiB read, 1 faults; stopped before the end",
    ]
    assert faults.count(b"\n") == faults.count(b'"asset_missing"') == 1
    assert await archive.fault(large) is None


async def test_a_root_that_is_away_is_one_line(archive: Archive, scrub: Scrub) -> None:
    kept = await archive.add(CONTENT)

    away = scrub(VASSET_STORAGE__ROOT="/nowhere")
    other = scrub(VASSET_STORAGE__NODE="node-b")

    assert (away.returncode, other.returncode) == (1, 1)
    assert "/nowhere has no marker" in away.stderr
    assert "belongs to node node-a" in other.stderr
    assert away.stderr.count("\n") == other.stderr.count("\n") == 1
    assert await archive.fault(kept) is None


async def test_a_database_that_is_away_is_one_line(archive: Archive, scrub: Scrub) -> None:
    await archive.add(CONTENT)

    done = scrub(**UNREACHABLE)

    assert done.returncode == 1
    assert "the database does not answer" in done.stderr
    assert done.stderr.count("\n") == 1


async def test_it_works_beside_a_running_up(tmp_path: Path) -> None:
    with started(tmp_path):
        settings = load({FILE_VARIABLE: str(tmp_path / "run" / "settings.toml")})
        db = Db(settings.database.url.get_secret_value(), max_size=1)
        await db.open()
        try:
            storage = settings.storage
            archive = await Archive.create(db, storage.root, node=storage.node)
            kept = await archive.add(CONTENT, read_ago=timedelta(0))
            flip(kept.path)
            done = run("scrub", "--all", "--json", data=tmp_path)
        finally:
            await db.close()

    assert done.returncode == 1
    found: list[dict[str, Any]] = json.loads(done.stdout)["faults"]
    assert [(one["fault"], one["path"]) for one in found] == [("corrupt", str(kept.path))]
