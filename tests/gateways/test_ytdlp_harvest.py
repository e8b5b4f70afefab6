import os
from pathlib import Path

import pytest

from domain.failures import CorruptError, TooLargeError, UnsupportedSiteError
from gateways.ytdlp.harvest import harvest, named
from gateways.ytdlp.protocol import Done, Inspected

DONE = Done(title="T", extractor="generic", webpage_url=None, thumbnail=None, duration_s=None)
VIDEO = b"\x00\x00\x00\x18ftypmp42" + b"\x00" * 100


def test_one_plain_media_file_is_taken(tmp_path: Path) -> None:
    (tmp_path / "media.mp4").write_bytes(VIDEO)

    media = harvest(tmp_path, DONE, max_bytes=1_000)

    assert media.path == tmp_path / "media.mp4"
    assert (media.size_bytes, media.extension, media.title) == (len(VIDEO), "mp4", "T")


@pytest.mark.parametrize(
    "names",
    [
        (),
        ("media.mp4", "media.mp4.part"),
        ("media.mp4", "media.f137.mp4"),
        ("media.mp4.part",),
        ("media.part",),
        ("media.p hp",),
        ("media",),
        ("other.mp4",),
        ("-.mp4",),
    ],
)
def test_anything_but_one_finished_media_file_is_corrupt(
    tmp_path: Path, names: tuple[str, ...]
) -> None:
    for name in names:
        (tmp_path / name).write_bytes(VIDEO)

    with pytest.raises(CorruptError):
        harvest(tmp_path, DONE, max_bytes=1_000)


@pytest.mark.parametrize("name", ["media.php", "media.MP4", "media.unknown_video"])
def test_a_file_is_called_by_what_is_in_it(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(VIDEO)

    media = named(harvest(tmp_path, DONE, max_bytes=1_000), Inspected(extension="mov"))

    assert (media.path, media.extension) == (tmp_path / "media.mov", "mov")
    assert media.path.read_bytes() == VIDEO


@pytest.mark.parametrize("extension", [None, "../x", "php"])
@pytest.mark.parametrize(
    ("name", "kind"), [("media.unknown_video", UnsupportedSiteError), ("media.mp4", CorruptError)]
)
def test_what_nobody_knows_is_refused_for_good_unless_it_was_called_a_video(
    tmp_path: Path, name: str, kind: type[Exception], extension: str | None
) -> None:
    (tmp_path / name).write_bytes(VIDEO)
    media = harvest(tmp_path, DONE, max_bytes=1_000)

    with pytest.raises(kind):
        named(media, Inspected(extension=extension))


@pytest.mark.parametrize(
    "body",
    [
        b"<!DOCTYPE html><html>",
        b" \r\n<HTML>",
        b"\xef\xbb\xbf<?xml version='1.0'?><MPD>",
        b"#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd",
        b"ffconcat version 1.0",
    ],
)
def test_a_body_that_is_no_media_is_refused_for_good(tmp_path: Path, body: bytes) -> None:
    (tmp_path / "media.mp4").write_bytes(body)

    with pytest.raises(UnsupportedSiteError):
        harvest(tmp_path, DONE, max_bytes=1_000)


def test_an_empty_file_is_corrupt(tmp_path: Path) -> None:
    (tmp_path / "media.mp4").touch()

    with pytest.raises(CorruptError):
        harvest(tmp_path, DONE, max_bytes=1_000)


def test_a_file_over_the_bound_is_too_large(tmp_path: Path) -> None:
    (tmp_path / "media.mp4").write_bytes(VIDEO)

    with pytest.raises(TooLargeError):
        harvest(tmp_path, DONE, max_bytes=len(VIDEO) - 1)


def test_a_symbolic_link_is_not_followed(tmp_path: Path) -> None:
    victim, staging = tmp_path / "victim", tmp_path / "staging"
    staging.mkdir()
    victim.write_bytes(VIDEO)
    (staging / "media.mp4").symlink_to(victim)

    with pytest.raises(CorruptError):
        harvest(staging, DONE, max_bytes=1_000)


def test_a_file_that_is_also_another_s_is_not_taken(tmp_path: Path) -> None:
    victim, staging = tmp_path / "victim", tmp_path / "staging"
    staging.mkdir()
    victim.write_bytes(VIDEO)
    (staging / "media.mp4").hardlink_to(victim)

    with pytest.raises(CorruptError):
        harvest(staging, DONE, max_bytes=1_000)


def test_a_named_pipe_or_a_folder_is_neither_opened_nor_waited_for(tmp_path: Path) -> None:
    pipe, folder = tmp_path / "1", tmp_path / "2"
    pipe.mkdir()
    os.mkfifo(pipe / "media.mp4")
    (folder / "media.mp4").mkdir(parents=True)

    for staging in (pipe, folder):
        with pytest.raises(CorruptError):
            harvest(staging, DONE, max_bytes=1_000)
