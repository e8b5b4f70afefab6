"""The versions of yt-dlp on a node, and what is refused."""

from pathlib import Path

import pytest

from gateways.ytdlp.versions import Version, Versions, YtdlpTooOldError
from tests.support.commands import vasset


def test_a_version_with_known_holes_is_not_even_installed(tmp_path: Path) -> None:
    done = vasset("ytdlp", "upgrade", "--version", "2026.6.9", VASSET_STORAGE__ROOT=str(tmp_path))

    assert (done.returncode, done.stdout) == (1, "")
    assert "2026.6.9 has known holes" in done.stderr
    assert Versions(tmp_path).current().folder is None


def test_there_must_be_something_to_go_back_to(tmp_path: Path) -> None:
    done = vasset("ytdlp", "rollback", VASSET_STORAGE__ROOT=str(tmp_path))

    assert done.returncode == 1
    assert "no version to go back to" in done.stderr


def test_a_version_that_became_too_old_is_not_used(tmp_path: Path) -> None:
    folder = tmp_path / ".ytdlp" / "2026.1.1"
    folder.mkdir(parents=True)
    versions = Versions(tmp_path)
    versions.use(Version(number="2026.1.1", folder=folder))

    with pytest.raises(YtdlpTooOldError, match=r"2026\.1\.1 has known holes"):
        versions.current()


def test_a_version_that_was_removed_by_hand_is_the_bundled_one_again(tmp_path: Path) -> None:
    folder = tmp_path / ".ytdlp" / "2026.9.9"
    folder.mkdir(parents=True)
    versions = Versions(tmp_path)
    versions.use(Version(number="2026.9.9", folder=folder))

    folder.rmdir()

    assert versions.current() == versions.bundled()


def test_a_folder_without_it_is_no_version(tmp_path: Path) -> None:
    versions = Versions(tmp_path)

    with pytest.raises(ValueError, match="no yt-dlp"):
        versions.adopt(versions.draft())
