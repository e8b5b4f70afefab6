"""What becomes of a video whose source misbehaves, in each protocol, beside plain yt-dlp."""

import asyncio
import json
import subprocess
import sys
from collections.abc import AsyncGenerator, Generator
from pathlib import Path

import av
import pytest
from av.error import FFmpegError

from domain.failures import DownloadError
from gateways.ytdlp.runner import Runner
from tests.gateways.faulty import SECONDS, FaultySource
from tests.support.fetching import ignore, order, running
from tests.support.media import find_ffmpeg

FRAMES = SECONDS * 10
RANGES = ("hls-ranges", "fmp4-ranges")
FRAGMENTS = ("hls", "fmp4", "dash-template", "dash-list")
EVERY = ("progressive", *FRAGMENTS, *RANGES, "dash-ranges")
WHOLE = "whole"
# The bytes fetched, of those needed: the extractor looks into one file before it is fetched.
LOOKED = {"progressive": 1.1, "page": 1.1}

TABLE = [
    *((fault, protocol, WHOLE, 1.02) for fault in ("none", "two-edges") for protocol in EVERY),
    *(("ignores-ranges", protocol, WHOLE, 1.02) for protocol in RANGES),
    *(("no-length", protocol, WHOLE, 1.02) for protocol in ("progressive", "hls", "hls-ranges")),
    *(("breaks-once", protocol, WHOLE, 1.4) for protocol in ("progressive", "hls", *RANGES)),
    *(("breaks-once-without-ranges", protocol, WHOLE, 1.4) for protocol in RANGES),
    *(("fails-once", protocol, WHOLE, 1.02) for protocol in ("hls", "dash-list")),
    *(("long-part", protocol, WHOLE, 1.1) for protocol in RANGES),
    *(("wrong-part", protocol, "unavailable", 4.0) for protocol in RANGES),
    *(("short-part", protocol, "unavailable", 4.0) for protocol in RANGES),
    *(("gone", protocol, "unavailable", 1.0) for protocol in ("hls", "dash-list")),
    *(("a-page", protocol, "unavailable", 1.0) for protocol in ("hls", "fmp4", "dash-list")),
    *(("ends-early", protocol, "corrupt", 1.0) for protocol in ("fmp4", "dash-list")),
    *(("claims-an-hour", protocol, WHOLE, 1.02) for protocol in ("page", "hls", "fmp4")),
    ("advertisements", "hls", WHOLE, 1.02),
]

_PLAIN = """
import json, sys, yt_dlp
for url, folder in json.load(sys.stdin):
    options = {"quiet": True, "no_warnings": True, "noprogress": True, "ignoreerrors": True,
               "ffmpeg_location": sys.argv[1], "outtmpl": folder + "/m.%(ext)s", "proxy": "",
               "logger": type("L", (), {n: lambda *_: None for n in
                                        ("debug", "info", "warning", "error")})()}
    with yt_dlp.YoutubeDL(options) as ytdlp:
        ytdlp.download([url])
"""


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Generator[FaultySource]:
    with FaultySource(tmp_path_factory.mktemp("faults")) as serving:
        yield serving


@pytest.fixture(scope="module")
async def runner() -> AsyncGenerator[Runner]:
    async with running() as shared:
        yield shared


def frames(path: Path) -> int:
    with av.open(str(path)) as container:
        return sum(packet.size > 0 for packet in container.demux(video=0))


@pytest.mark.parametrize(("fault", "protocol", "outcome", "most"), TABLE)
async def test_a_fault_ends_as_the_table_says(  # noqa: PLR0913, PLR0917 - the columns of the table
    runner: Runner,
    source: FaultySource,
    tmp_path: Path,
    fault: str,
    protocol: str,
    outcome: str,
    most: float,
) -> None:
    source.forget()

    try:
        media = await runner.fetch(order(source.fault_url(fault, protocol), tmp_path), ignore)
        found = WHOLE if frames(media.path) == FRAMES else f"{frames(media.path)} frames"
    except DownloadError as error:
        found = error.code.value

    assert found == outcome
    fetched = source.bytes_of(fault) / source.sizes[protocol]
    assert fetched <= most + LOOKED.get(protocol, 0)


async def test_plain_ytdlp_delivers_no_whole_video_that_is_refused_here(
    source: FaultySource, tmp_path: Path
) -> None:
    refused = [(fault, protocol) for fault, protocol, outcome, _ in TABLE if outcome != WHOLE]
    folders = [tmp_path / f"{fault}.{protocol}" for fault, protocol in refused]
    source.forget()

    urls = [source.fault_url(fault, protocol) for fault, protocol in refused]
    jobs = json.dumps([(url, str(at)) for url, at in zip(urls, folders, strict=True)])
    command = [sys.executable, "-c", _PLAIN, str(find_ffmpeg())]
    await asyncio.to_thread(
        subprocess.run, command, input=jobs, text=True, check=True, capture_output=True
    )

    assert {
        case
        for case, folder in zip(refused, folders, strict=True)
        if any(_is_whole(one) for one in folder.glob("*"))
    } <= {("short-part", "hls-ranges")}  # It lacks a packet of each part, though no whole frame.


def _is_whole(path: Path) -> bool:
    try:
        return frames(path) == FRAMES
    except (FFmpegError, IndexError):
        return False
