"""deploy/backup: what is left when database and disk are gone is a folder, and it is enough."""

import hashlib
import itertools
import os
import shutil
import subprocess
import sys
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.conftest import installed
from tests.support.parts import find_program
from tests.support.postgres import Postgres
from tests.support.program import Program
from tests.support.site import Site
from tests.support.waiting import eventually_sync
from tests.test_journey import Person

SCRIPTS = Path(__file__).parents[2] / "deploy" / "backup"
NODE = "node-a"
_numbers = itertools.count(1)
CLIPS = ("/clips/80.mp4", "/clips/81.mp4")


class Node:
    """The program of one machine on a database of its own, which can be lost and made anew."""

    def __init__(self, folder: Path, postgres: Postgres) -> None:
        self.postgres, self.folder = postgres, folder
        self.root = folder / "data" / "files"
        self.database_url = ""
        self.lose()

    def lose(self) -> None:
        """Go on with an empty database and an empty disk."""
        shutil.rmtree(self.folder / "data", ignore_errors=True)
        self.database_url = self.postgres.create_database(f"kept_{next(_numbers)}")

    @property
    def environment(self) -> dict[str, str]:
        return {
            "VASSET_DATABASE__URL": self.database_url,
            "VASSET_STORAGE__NODE": NODE,
            "VASSET_STORAGE__ROOT": str(self.root),
            "VASSET_AUTH__SECRET": "a secret that is kept beside the backups",
            "VASSET_EGRESS__ALLOW_PRIVATE": '["127.0.0.0/8"]',
        }

    def run(
        self, script: str, *words: str, first_on_path: Path = SCRIPTS
    ) -> "subprocess.CompletedProcess[str]":
        """Run a script with the database's address in a file, as containers have it."""
        installed(lambda: find_program("rsync", "apt-get install rsync"))
        database, redis = self.folder / "database_url", self.folder / "redis_url"
        database.write_text(self.database_url)
        redis.write_text("redis://nobody-asks-it")
        return subprocess.run(  # noqa: S603 - our own script
            [SCRIPTS / script, *words],
            env={
                "PATH": f"{first_on_path}:{Path(sys.executable).parent}:{os.defpath}",
                "HOME": str(self.folder),
                "VASSET_DATABASE__URL_FILE": str(database),
                "VASSET_REDIS__URL_FILE": str(redis),
            },
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )

    def backed_up(self, destination: Path, *, first_on_path: Path = SCRIPTS) -> Path:
        done = self.run("backup.sh", str(destination), str(self.root), first_on_path=first_on_path)
        assert done.returncode == 0, done.stderr
        return Path(done.stdout.strip())


@pytest.fixture
def node(tmp_path: Path, postgres: Postgres) -> Node:
    return Node(tmp_path, postgres)


@pytest.fixture(scope="module")
def living(
    tmp_path_factory: pytest.TempPathFactory, postgres: Postgres
) -> Generator[tuple[Node, Person]]:
    """A node that runs all the while, and its user."""
    node = Node(tmp_path_factory.mktemp("living"), postgres)
    with Program(node.folder / "data", node.environment) as program, Person(program) as ada:
        yield node, ada


def test_a_node_that_was_backed_up_while_it_ran_is_lost_and_comes_back(
    node: Node, site: Site, tmp_path: Path
) -> None:
    with Program(node.folder / "data", node.environment) as program, Person(program) as ada:
        archived, quick = (
            ada.submit(site.url(clip), mode)
            for clip, mode in zip(CLIPS, ("archive", "quick_download"), strict=True)
        )
        for history_id in (archived, quick):
            ada.ended(history_id)
        running = ada.submit(site.clip_url(82, bytes_per_s=40_000), "archive")
        eventually_sync(lambda: ada.look(running)["stage"] == "fetch")
        backup = node.backed_up(tmp_path / "backups")
        program.stop()
        node.lose()

        done = node.run("restore.sh", str(backup), f"{NODE}={node.root}")

        assert (done.returncode, done.stdout.splitlines()[-1][-8:]) == (0, "0 faults"), done.stderr
        with Program(node.folder / "data", node.environment) as again:
            ada.moved_to(again)
            for history_id, clip in zip((archived, quick), CLIPS, strict=True):
                file = ada.http.get("/download/file", params={"history_id": history_id})
                assert file.status_code == 200, file.text
                assert hashlib.md5(file.content).hexdigest() == site.md5(clip)  # noqa: S324
            # Nobody holds it any more, and it was accepted.
            assert ada.ended(running)["status"] == "completed"


def test_a_second_backup_takes_no_room_for_what_was_there_and_keeps_links(
    living: tuple[Node, Person], site: Site, tmp_path: Path
) -> None:
    node, ada = living
    history_id = ada.submit(site.url(CLIPS[0]), "archive")
    ada.ended(history_id)
    first = node.backed_up(tmp_path / "backups")
    (asset,) = first.glob(f"files/*/archive/*/*/{history_id}")
    own = node.root / asset.relative_to(first / "files" / NODE)
    own.with_name("twin").hardlink_to(own)

    second = node.backed_up(tmp_path / "backups")

    again = second / asset.relative_to(first)
    assert again.samefile(asset)
    assert again.samefile(again.with_name("twin"))
    assert not asset.with_name("twin").exists()
    assert sorted(tmp_path.glob("backups/2*")) == [first, second]


def test_what_ends_between_the_files_and_the_rows_is_in_the_backup_too(
    living: tuple[Node, Person], site: Site, tmp_path: Path
) -> None:
    node, ada = living
    copied, ended = tmp_path / "copied", tmp_path / "ended"
    real = installed(lambda: find_program("rsync", "apt-get install rsync"))
    slow = tmp_path / "bin" / "rsync"
    slow.parent.mkdir()
    # The first copy of the files takes until the test says so.
    slow.write_text(
        f'#!/bin/sh\n{real} "$@" || exit\ncase "$*" in *--archive*)\n'
        f"touch {copied}; while [ ! -e {ended} ]; do sleep 0.1; done;; esac\n"
    )
    slow.chmod(0o755)
    with ThreadPoolExecutor() as pool:
        making = pool.submit(node.backed_up, tmp_path / "backups", first_on_path=slow.parent)
        eventually_sync(copied.exists, timeout_s=30)
        try:
            history_id = ada.submit(site.url(CLIPS[0]), "archive")
            digest = ada.ended(history_id)["file_hash"]
        finally:
            ended.touch()
        backup = making.result()

    (asset,) = backup.glob(f"files/*/archive/*/*/{history_id}")
    assert hashlib.md5(asset.read_bytes()).hexdigest() == digest  # noqa: S324


def test_what_is_no_root_is_no_backup_and_nothing_stays(node: Node, tmp_path: Path) -> None:
    root, destination = tmp_path / "unmounted", tmp_path / "backups"
    root.mkdir()

    done = node.run("backup.sh", str(destination), str(root))

    assert done.returncode == 1
    assert "is no storage root" in done.stderr
    assert list(destination.glob("2*")) == []


def test_nothing_is_restored_over_what_is_there(
    living: tuple[Node, Person], tmp_path: Path
) -> None:
    node, _ = living
    backup = node.backed_up(tmp_path / "backups")

    rows = node.run("restore.sh", str(backup), f"{NODE}={tmp_path / 'elsewhere'}")
    files = node.run("restore.sh", str(backup), f"{NODE}={node.root}")

    assert (rows.returncode, files.returncode) == (1, 1)
    assert "the database is not empty" in rows.stderr
    assert "is not empty" in files.stderr
    assert not (tmp_path / "elsewhere").exists()
