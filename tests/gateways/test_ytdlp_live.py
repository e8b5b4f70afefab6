from collections.abc import AsyncGenerator, Awaitable, Callable, Generator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from domain import failures
from domain.download import FetchedMedia
from gateways.ytdlp.runner import Runner
from tests.gateways.looking import look_order
from tests.support.answers import Answer, text
from tests.support.content import File
from tests.support.fetching import LIMITS, ignore, order, running
from tests.support.journal import Request
from tests.support.server import LocalServer
from tests.support.site import Site

Fetch = Callable[[str], Awaitable[FetchedMedia]]

M3U8 = "application/vnd.apple.mpegurl"
HEAD = "#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-TARGETDURATION:1\n"
SEGMENTS = "".join(f"#EXTINF:1.0,\n/segment{number}.ts\n" for number in range(6))
PLAYLISTS = {
    "/no-end.m3u8": f"{HEAD}#EXT-X-MEDIA-SEQUENCE:0\n{SEGMENTS}",
    "/vod.m3u8": f"{HEAD}#EXT-X-PLAYLIST-TYPE:VOD\n{SEGMENTS}",
    "/short.m3u8": f"{HEAD}#EXTINF:0.4,\n/segment0.ts\n#EXT-X-ENDLIST\n",
    "/main-no-end.m3u8": "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=100000\n/no-end.m3u8\n",
    "/main-live.m3u8": "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=100000\n/live.m3u8\n",
}


class Station(LocalServer):
    """Playlists of finished videos, and of a stream whose window moves on at each reading."""

    def __init__(self, hls: Path) -> None:
        super().__init__()
        self._hls = hls

    def answer(self, request: Request) -> Answer:
        match request.path:
            case path if path in PLAYLISTS:
                return text(PLAYLISTS[path], media_type=M3U8)
            case "/live.m3u8":
                first = len(self.requests_for(request.path))
                window = [f"#EXTINF:1,\n/segment{n % 6}.ts\n" for n in range(first, first + 3)]
                head = f"{HEAD}#EXT-X-MEDIA-SEQUENCE:{first}\n"
                return text(head + "".join(window), media_type=M3U8)
            case path if path.startswith("/segment"):
                return Answer(content=File(self._hls.with_name(path[1:])), media_type="video/mp2t")
            case _:
                return text("no such page", status=404)


@pytest.fixture(scope="module")
def station(site: Site) -> Generator[Station]:
    with Station(site.media.hls) as running:
        yield running


@pytest.fixture(scope="module")
async def runner() -> AsyncGenerator[Runner]:
    async with running(replace(LIMITS, stall_timeout=timedelta(seconds=30))) as shared:
        yield shared


@pytest.fixture
def fetch(runner: Runner, tmp_path: Path) -> Fetch:
    return lambda url: runner.fetch(order(url, tmp_path), ignore)


@pytest.mark.parametrize("path", ["/no-end.m3u8", "/vod.m3u8", "/main-no-end.m3u8"])
async def test_a_playlist_that_does_not_grow_is_a_whole_video(
    fetch: Fetch, station: Station, path: str
) -> None:
    media = await fetch(station.url(path))

    assert media.extension == "mp4"
    assert len(station.requests_for("/segment5.ts")) >= 1


async def test_a_video_of_less_than_a_second_is_not_live(fetch: Fetch, station: Station) -> None:
    media = await fetch(station.url("/short.m3u8"))

    assert media.size_bytes > 0


@pytest.mark.parametrize("path", ["/live.m3u8", "/main-live.m3u8"])
async def test_a_playlist_that_grows_is_refused_before_its_segments_are_fetched(
    fetch: Fetch, station: Station, path: str
) -> None:
    station.forget()

    with pytest.raises(failures.LiveStreamError):
        await fetch(station.url(path))

    assert [one.path for one in station.journal if one.path.startswith("/segment")] == []


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/no-end.m3u8", "finished"),
        ("/short.m3u8", "finished"),
        ("/vod.m3u8", "finished"),
        ("/live.m3u8", "live"),
    ],
)
async def test_a_look_judges_live_as_a_fetch_does(
    runner: Runner, station: Station, path: str, kind: str
) -> None:
    found = await runner.look(look_order(station.url(path)))

    assert ("live" if found.live else "finished") == kind
