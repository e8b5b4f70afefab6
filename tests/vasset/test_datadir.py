"""The lock and the folders of a data directory."""

from pathlib import Path

import pytest

from vasset.datadir import DataDir
from vasset.faults import CommandError


def test_a_second_holder_is_refused(tmp_path: Path) -> None:
    first, second = DataDir(tmp_path), DataDir(tmp_path)

    with first.locked(), pytest.raises(CommandError, match="another"), second.locked():
        pass


def test_the_lock_ends_with_its_holder(tmp_path: Path) -> None:
    data = DataDir(tmp_path)

    with data.locked():
        pass

    with data.locked():
        pass


def test_folders_are_for_their_owner_only(tmp_path: Path) -> None:
    data = DataDir(tmp_path / "new")

    data.create()

    for folder in (data.root, data.files, data.logs, data.run, data.valkey):
        assert folder.stat().st_mode & 0o077 == 0


def test_a_cut_secret_is_refused(tmp_path: Path) -> None:
    data = DataDir(tmp_path)
    data.create()
    (tmp_path / "secret").write_text("short")

    with pytest.raises(CommandError, match="damaged"):
        data.secret()


def test_a_folder_for_sockets_that_others_can_enter_is_refused(tmp_path: Path) -> None:
    data = DataDir(tmp_path / ("long" * 25))
    data.sockets().mkdir()

    try:
        with pytest.raises(CommandError, match="only you can enter"):
            data.create()
    finally:
        data.remove_sockets()


def test_a_file_in_place_of_the_directory_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(CommandError, match="cannot use the data directory"):
        DataDir(tmp_path / "file").create()
