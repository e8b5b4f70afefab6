"""What a killed run left behind does not keep the next from starting."""

import shutil
import subprocess
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.support.waiting import eventually_sync
from vasset import leftovers
from vasset.datadir import DataDir


@pytest.fixture
def data(tmp_path: Path) -> DataDir:
    data = DataDir(tmp_path / "data")
    data.create()
    data.postgres.mkdir()
    return data


@contextmanager
def named_postgres(folder: Path, program: str, *arguments: str) -> Generator[int]:
    """Run a program under the name of the server and yield its id; it is reaped at the end."""
    path = folder / "postgres"
    shutil.copy(shutil.which(program) or program, path)
    process = subprocess.Popen([str(path), *arguments], cwd=folder)  # noqa: S603 - a copy of ours
    try:
        eventually_sync(lambda: name_of(process.pid) == "postgres")
        yield process.pid
    finally:
        process.kill()
        process.wait()


def name_of(pid: int) -> str:
    return Path(f"/proc/{pid}/comm").read_text(encoding="utf-8").strip()


def is_zombie(pid: int) -> bool:
    return (
        Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0] == "Z"
    )


def test_the_lock_of_a_server_that_nobody_has_reaped_is_removed(
    data: DataDir, tmp_path: Path
) -> None:
    lock = data.postgres / "postmaster.pid"
    with named_postgres(tmp_path, "true") as pid:
        eventually_sync(lambda: is_zombie(pid))
        lock.write_text(f"{pid}\n")

        leftovers.clear(data)

    assert not lock.exists()


def test_the_lock_with_the_id_of_another_installations_server_is_removed(
    data: DataDir, tmp_path: Path
) -> None:
    lock = data.postgres / "postmaster.pid"
    with named_postgres(tmp_path, "sleep", "60") as pid:
        lock.write_text(f"{pid}\n")

        leftovers.clear(data)
        still_runs = not is_zombie(pid)

    assert not lock.exists()
    assert still_runs
