"""Download managers and players as people use them, on both ways of sending."""

import asyncio
import hashlib
import os
import subprocess
from pathlib import Path

import pytest

from tests.conftest import installed
from tests.support.media import Media, find_ffmpeg
from tests.support.parts import find_program
from tests.web.delivery.conftest import Reader, path_of

CONTENT = os.urandom(20_000_000)
SHA = hashlib.sha256(CONTENT).hexdigest()


async def ran(*command: str | Path) -> subprocess.CompletedProcess[str]:
    """Run a program to its end, beside the server that lives in this process."""
    return await asyncio.to_thread(
        subprocess.run,
        list(map(str, command)),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def program(name: str) -> Path:
    return installed(lambda: find_program(name, f"apt-get install {name}"))


def url_of(reader: Reader, history_id: int) -> str:
    return f"{str(reader.http.base_url).rstrip('/')}{path_of(history_id)}"


def bearer(reader: Reader) -> str:
    return f"Authorization: Bearer {reader.member.token}"


def sha_of(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


async def test_curl_goes_on_where_it_stopped_under_the_files_own_name(
    reader: Reader, tmp_path: Path
) -> None:
    curl, url = program("curl"), url_of(reader, await reader.file(CONTENT))
    part = tmp_path / "part"
    part.write_bytes(CONTENT[:7_654_321])

    resumed = await ran(curl, "-fsS", "-C", "-", "-H", bearer(reader), "-o", part, url)
    named = await ran(curl, "-fsSOJ", "--output-dir", tmp_path, "-H", bearer(reader), url)

    assert (resumed.returncode, sha_of(part)) == (0, SHA), resumed.stderr
    assert (named.returncode, sha_of(tmp_path / "A film.mp4")) == (0, SHA), named.stderr


async def test_curl_asks_for_what_it_has_and_is_told_so(reader: Reader, tmp_path: Path) -> None:
    curl, url = program("curl"), url_of(reader, await reader.file(CONTENT))
    tag, target = tmp_path / "etag", tmp_path / "film"
    options = ("-fsS", "--etag-save", tag, "--etag-compare", tag, "-H", bearer(reader))

    first = await ran(curl, *options, "-o", target, "-w", "%{http_code}", url)
    second = await ran(curl, *options, "-o", target, "-w", "%{http_code}", url)

    assert (first.stdout, second.stdout) == ("200", "304")


async def test_wget_goes_on_where_it_stopped(reader: Reader, tmp_path: Path) -> None:
    wget, url = program("wget"), url_of(reader, await reader.file(CONTENT))
    part = tmp_path / "part"
    part.write_bytes(CONTENT[:1_234_567])

    resumed = await ran(wget, "-q", "-c", "--header", bearer(reader), "-O", part, url)
    again = await ran(wget, "-c", "--header", bearer(reader), "-O", part, url)

    assert (resumed.returncode, sha_of(part)) == (0, SHA), resumed.stderr
    # Nothing is left: 416, which wget takes for done.
    assert (again.returncode, sha_of(part)) == (0, SHA), again.stderr


async def test_aria2_takes_eight_ranges_at_once_by_a_ticket(reader: Reader, tmp_path: Path) -> None:
    aria2c, history_id = program("aria2c"), await reader.file(CONTENT)
    answer = await reader.http.post("/download/file-ticket", json={"history_id": history_id})
    url = f"{str(reader.http.base_url).rstrip('/')}/download/file?ticket={answer.json()['ticket']}"
    options = ("-x8", "-s8", "-k1M", "--file-allocation=none", "--no-conf", "-q")

    done = await ran(aria2c, *options, "-d", tmp_path, "-o", "film", url)

    assert (done.returncode, sha_of(tmp_path / "film")) == (0, SHA), done.stdout


@pytest.fixture(scope="session")
def film(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A film whose index stands at its end, so that a player must seek before it can play."""
    folder = tmp_path_factory.mktemp("film")
    source, film = Media(folder).clip, folder / "film.mp4"
    subprocess.run(  # noqa: S603 - our own arguments
        [find_ffmpeg(), "-v", "error", "-i", source, "-c", "copy", film], check=True
    )
    content = film.read_bytes()
    assert content.index(b"moov") > content.index(b"mdat")
    return content


async def test_a_player_seeks(reader: Reader, film: bytes) -> None:
    history_id = await reader.file(film)
    answer = await reader.http.post("/download/file-ticket", json={"history_id": history_id})
    url = f"{str(reader.http.base_url).rstrip('/')}/download/file?ticket={answer.json()['ticket']}"

    played = await ran(
        find_ffmpeg(), "-v", "error", "-seekable", "1", "-ss", "0.5", "-i", url, "-f", "null", "-"
    )

    assert (played.returncode, played.stderr) == (0, "")
