"""Folders that were filled to do us harm are removed all the same."""

import os
from pathlib import Path

import pytest

from storage.removal import remove_tree


def test_a_folder_ten_thousand_deep_goes(tmp_path: Path) -> None:
    folder = tmp_path / "1.1"
    folder.mkdir()
    above = os.open(folder, os.O_RDONLY)
    for _ in range(10_000):
        os.mkdir("d", dir_fd=above)
        below = os.open("d", os.O_RDONLY, dir_fd=above)
        os.close(above)
        above = below
    os.close(above)

    remove_tree(folder)

    assert not folder.exists()


def test_what_links_point_to_stays(tmp_path: Path) -> None:
    folder, kept = tmp_path / "1.1", tmp_path / "kept"
    (folder / "in").mkdir(parents=True)
    kept.mkdir()
    (kept / "video").write_text("another's")
    (folder / "link").symlink_to(kept)
    (folder / "in" / "link").symlink_to(kept)
    (folder / "in" / "0.lifted").mkdir()
    os.mkfifo(folder / "in" / "pipe")

    remove_tree(folder)

    assert not folder.exists()
    assert (kept / "video").read_text() == "another's"


@pytest.mark.parametrize("name", ["nothing", "link"])
def test_no_folder_and_a_link_in_its_place_are_left(tmp_path: Path, name: str) -> None:
    (tmp_path / "kept").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "kept")

    remove_tree(tmp_path / name)

    assert (tmp_path / "kept").is_dir()
