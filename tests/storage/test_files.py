"""The node's disk: staging, the move, deletion, the marker."""

import json
import stat
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import pytest

from domain.download import FetchedMedia
from domain.failures import CorruptError
from domain.states import Mode
from domain.warnings import DownloadWarning, WarningCode
from storage import manifests
from storage.files import MARKER, Files, RootMissingError

ASSET_UUID = UUID("12345678-1234-5678-1234-567812345678")
CREATED_AT = datetime(2026, 11, 23, 23, 59, tzinfo=UTC)


@pytest.fixture
def files(tmp_path: Path) -> Files:
    files = Files(tmp_path / "root", node="node-a")
    files.prepare_root()
    return files


def path(files: Files, mode: Mode) -> Path:
    return files.path(7, 3, mode, ASSET_UUID, CREATED_AT)


def stage(files: Files, content: bytes) -> Path:
    staged = files.fresh_staging(7, 1) / "media.mp4"
    staged.write_bytes(content)
    return staged


def test_paths_are_made_of_ids_alone(files: Files, tmp_path: Path) -> None:
    root = tmp_path / "root"

    assert path(files, Mode.QUICK) == root / "tmp" / str(ASSET_UUID) / "7"
    assert path(files, Mode.ARCHIVE) == root / "archive" / "3" / "20261123" / "7"


def test_a_placed_file_is_whole_private_and_gone_from_staging(files: Files) -> None:
    staged, final = stage(files, b"video"), path(files, Mode.ARCHIVE)

    files.place(staged, final, size_bytes=5)

    assert final.read_bytes() == b"video"
    assert not staged.exists()
    assert stat.S_IMODE(final.stat().st_mode) == 0o600
    assert stat.S_IMODE(final.parent.stat().st_mode) == 0o700


def test_placing_again_after_a_death_between_move_and_commit_is_no_error(files: Files) -> None:
    staged, final = stage(files, b"video"), path(files, Mode.QUICK)
    files.place(staged, final, size_bytes=5)

    files.place(staged, final, size_bytes=5)

    assert final.read_bytes() == b"video"


def test_a_file_of_another_size_is_never_placed(files: Files) -> None:
    staged, final = stage(files, b"vide"), path(files, Mode.QUICK)

    with pytest.raises(CorruptError):
        files.place(staged, final, size_bytes=5)

    assert not final.exists()


def test_nothing_staged_and_nothing_placed_is_corrupt(files: Files, tmp_path: Path) -> None:
    with pytest.raises(CorruptError):
        files.place(tmp_path / "absent", path(files, Mode.QUICK), size_bytes=5)


def test_deleting_takes_the_quick_downloads_folder_along(files: Files) -> None:
    final = path(files, Mode.QUICK)
    files.place(stage(files, b"video"), final, size_bytes=5)

    files.delete(final)

    assert not final.parent.exists()


def test_deleting_what_is_gone_is_a_success(files: Files) -> None:
    files.delete(path(files, Mode.ARCHIVE))


def test_nothing_is_deleted_while_the_disk_is_away(files: Files, tmp_path: Path) -> None:
    (tmp_path / "root" / MARKER).unlink()

    with pytest.raises(RootMissingError, match="mounted"):
        files.delete(path(files, Mode.QUICK))


def test_another_nodes_root_is_refused(files: Files, tmp_path: Path) -> None:
    del files

    with pytest.raises(RootMissingError, match="belongs to node node-a"):
        Files(tmp_path / "root", node="node-b").prepare_root()


def test_a_link_in_an_assets_place_is_removed_and_not_followed(
    files: Files, tmp_path: Path
) -> None:
    victim = tmp_path / "victim"
    victim.write_bytes(b"other")
    final = path(files, Mode.QUICK)
    final.parent.mkdir()
    final.symlink_to(victim)

    files.delete(final)

    assert victim.read_bytes() == b"other"


def test_a_new_staging_folder_is_empty(files: Files) -> None:
    stage(files, b"old")

    assert list(files.fresh_staging(7, 1).iterdir()) == []
    assert files.staged() == [(7, 1)]


def media(staging: Path, size_bytes: int) -> FetchedMedia:
    return FetchedMedia(
        path=staging / "media.mp4",
        size_bytes=size_bytes,
        extension="mp4",
        title="A film",
        extractor="generic",
        webpage_url=None,
        thumbnail=None,
        duration_s=1.5,
        warnings=(DownloadWarning(code=WarningCode.SUBTITLES_MISSING, subject="de"),),
    )


def test_a_manifest_is_read_as_it_was_written(files: Files) -> None:
    staging = stage(files, b"video").parent

    manifests.write(staging, media(staging, 5))

    assert manifests.read(staging) == media(staging, 5)


def test_a_manifest_of_an_older_version_has_no_warnings(files: Files) -> None:
    staging = stage(files, b"video").parent
    manifests.write(staging, media(staging, 5))
    manifest = staging / manifests.NAME
    facts = json.loads(manifest.read_text())

    manifest.write_text(json.dumps({name: facts[name] for name in facts if name != "warnings"}))

    assert manifests.read(staging) == replace(media(staging, 5), warnings=())


def test_a_manifest_whose_file_has_another_size_counts_for_nothing(files: Files) -> None:
    staging = stage(files, b"video").parent

    manifests.write(staging, media(staging, 6))

    assert manifests.read(staging) is None


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"path": 1}'])
def test_a_damaged_manifest_counts_for_nothing(files: Files, text: str) -> None:
    staging = stage(files, b"video").parent
    (staging / manifests.NAME).write_text(text)

    assert manifests.read(staging) is None


@pytest.mark.parametrize("mode", list(Mode))
def test_deleting_follows_no_link(files: Files, mode: Mode, tmp_path: Path) -> None:
    asset = path(files, mode)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / asset.name).write_bytes(b"another's")
    asset.parent.parent.mkdir(parents=True, exist_ok=True)
    asset.parent.symlink_to(elsewhere)

    with pytest.raises(OSError, match=r"Not a directory|Too many levels"):
        files.delete(asset)

    assert (elsewhere / asset.name).read_bytes() == b"another's"


def test_deleting_a_link_leaves_what_it_points_to(files: Files, tmp_path: Path) -> None:
    asset = path(files, Mode.ARCHIVE)
    target = tmp_path / "target"
    target.write_bytes(b"another's")
    asset.parent.mkdir(parents=True)
    asset.symlink_to(target)

    files.delete(asset)

    assert not asset.is_symlink()
    assert target.read_bytes() == b"another's"
