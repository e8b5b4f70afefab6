"""The container decides what a file is called, never the address or the type it came under."""

from collections.abc import AsyncGenerator, Generator
from pathlib import Path

import av
import pytest

from domain import failures
from gateways.ytdlp.runner import Runner
from tests.support.answers import Answer
from tests.support.content import Blob
from tests.support.fetching import ignore, order, running
from tests.support.journal import Request
from tests.support.kinds import make_kind
from tests.support.server import LocalServer

TYPES = {"video": "video/mp4", "sound": "audio/mpeg", "bytes": "application/octet-stream"}


class Shelf(LocalServer):
    """``/{type}/{kind}/{name}`` is a file of that kind, under that name and type."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self._folder = folder
        self._made: dict[str, bytes] = {}

    def answer(self, request: Request) -> Answer:
        media_type, kind, _ = request.path.strip("/").split("/")
        if kind not in self._made:
            self._made[kind] = _NO_MEDIA.get(kind) or make_kind(kind, self._folder)
        return Answer(content=Blob(self._made[kind]), media_type=TYPES[media_type], etag=kind)


_NO_MEDIA = {
    "page": b"<!doctype html><title>Sign in</title>" + b"<p>x</p>" * 99,
    "json": b'{"error": "not here"}',
    "playlist": b"#EXTM3U\n#EXTINF:1,\n/1.ts\n",
    "text": b"Sorry, come back later.\n",
    "zip": b"PK\x03\x04" + bytes(2_000),
    "jpeg": b"\xff\xd8\xff\xe0\x00\x10JFIF" + bytes(2_000),
    "png": b"\x89PNG\r\n\x1a\n" + bytes(2_000),
    "pdf": b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n" + bytes(2_000),
}


@pytest.fixture(scope="module")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> Generator[Shelf]:
    with Shelf(tmp_path_factory.mktemp("kinds")) as serving:
        yield serving


@pytest.fixture(scope="module")
async def runner() -> AsyncGenerator[Runner]:
    async with running() as shared:
        yield shared


@pytest.mark.parametrize(
    ("path", "extension"),
    [
        ("video/mp4/clip.mpeg4", "mp4"),
        ("sound/m4b/book.m4b", "m4b"),
        ("video/m2ts/clip.m2ts", "m2ts"),
        ("sound/wma/song.wma", "wma"),
        ("sound/aiff/song.aiff", "aiff"),
        ("sound/ac3/song.ac3", "ac3"),
        ("sound/mp2/song.mp2", "mp2"),
        ("sound/mp3/song.mpga", "mp3"),
        ("video/asf/clip.asf", "asf"),
        ("video/avi/clip.divx", "avi"),
        ("video/f4v/clip.f4v", "f4v"),
        ("video/vob/clip.vob", "vob"),
        ("video/3g2/clip.3g2", "3g2"),
        ("video/mov/clip.qt", "mov"),
        ("video/mxf/clip.mxf", "mxf"),
        ("sound/spx/talk.spx", "spx"),
        ("bytes/mp4/clip", "mp4"),
        ("bytes/webm/clip", "webm"),
        ("bytes/mka/song", "mka"),
        ("bytes/opus/song", "opus"),
        ("bytes/flac/song.bin", "flac"),
        ("video/mp4/clip.php", "mp4"),
        ("video/mp4/clip.exe", "mp4"),
        ("video/mkv/clip.mp4", "mkv"),
        ("video/mp4/clip.MP4", "mp4"),
        ("sound/m4b/song.mp3", "m4a"),
        ("sound/ogg/song.mp3", "ogg"),
        ("video/ogv/clip.ogg", "ogg"),
        ("video/flv/clip.mp4", "flv"),
        ("sound/wav/song.wav", "wav"),
    ],
)
async def test_a_file_is_delivered_under_the_name_of_what_it_is(
    runner: Runner, shelf: Shelf, tmp_path: Path, path: str, extension: str
) -> None:
    media = await runner.fetch(order(shelf.url(f"/{path}"), tmp_path), ignore)

    assert media.extension == extension
    assert media.path == tmp_path / f"media.{extension}"
    with av.open(str(media.path)) as container:
        assert sum(1 for packet in container.demux() if packet.size) > 0


@pytest.mark.parametrize(
    "path",
    [
        *(f"video/{kind}/clip.mp4" for kind in sorted(_NO_MEDIA)),
        *(f"bytes/{kind}/clip" for kind in ("jpeg", "json", "pdf", "png", "text", "zip")),
    ],
)
async def test_what_is_known_to_be_no_media_is_refused_for_good(
    runner: Runner, shelf: Shelf, tmp_path: Path, path: str
) -> None:
    with pytest.raises(failures.UnsupportedSiteError, match="instead of a video"):
        await runner.fetch(order(shelf.url(f"/{path}"), tmp_path), ignore)
