"""Playlists that yt-dlp gives up on without naming a cause; each is refused once."""

from collections.abc import AsyncGenerator, Awaitable, Callable, Generator
from pathlib import Path

import pytest

from domain import failures
from domain.download import FetchedMedia
from domain.failures import DownloadError, TransientError
from gateways.ytdlp.runner import Runner
from tests.support.answers import Answer, text
from tests.support.content import File
from tests.support.fetching import ignore, order, running
from tests.support.journal import Request
from tests.support.server import LocalServer
from tests.support.site import Site

Fetch = Callable[[str], Awaitable[FetchedMedia]]

M3U8 = "application/vnd.apple.mpegurl"
VOD = "#EXTM3U\n#EXT-X-VERSION:5\n#EXT-X-TARGETDURATION:1\n#EXT-X-PLAYLIST-TYPE:VOD\n"
TWO_SEGMENTS = "#EXTINF:1,\n/segment0.ts\n#EXTINF:1,\n/segment1.ts\n#EXT-X-ENDLIST\n"
PLAYLISTS = {
    "/sample-aes.m3u8": f'{VOD}#EXT-X-KEY:METHOD=SAMPLE-AES,URI="/key"\n{TWO_SEGMENTS}',
    "/fairplay.m3u8": f'{VOD}#EXT-X-KEY:METHOD=SAMPLE-AES,URI="skd://x"\n{TWO_SEGMENTS}',
    "/two-maps.m3u8": (
        f'{VOD}#EXT-X-MAP:URI="/a.mp4"\n#EXTINF:1,\n/segment0.ts\n#EXT-X-DISCONTINUITY\n'
        f'#EXT-X-MAP:URI="/b.mp4"\n{TWO_SEGMENTS}'
    ),
    "/bom.m3u8": f"\ufeff{VOD}{TWO_SEGMENTS}",
    "/bom-main.m3u8": "\ufeff#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=100000\n/bom.m3u8\n",
    "/busy.m3u8": f"{VOD}#EXTINF:1,\n/busy.ts\n#EXT-X-ENDLIST\n",
}
REPRESENTATION = (
    '<Representation id="v" mimeType="video/mp4" codecs="avc1.42c01e" bandwidth="100000">'
)
WIDEVINE = '<ContentProtection schemeIdUri="urn:uuid:edef8ba9-79d6-4ace-a3c8-27dcd51d21ed"/>'
UNNAMED = "<SegmentList><SegmentURL/></SegmentList>"


def mpd(inner: str) -> str:
    return (
        '<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static" '
        'mediaPresentationDuration="PT2S"><Period><AdaptationSet mimeType="video/mp4">'
        f"{REPRESENTATION}{inner}</Representation></AdaptationSet></Period></MPD>"
    )


class OddLists(LocalServer):
    """Playlists that are out of the ordinary, with two good segments."""

    def __init__(self, hls: Path) -> None:
        super().__init__()
        self._hls = hls

    def answer(self, request: Request) -> Answer:
        match request.path:
            case path if path in PLAYLISTS:
                return text(PLAYLISTS[path], media_type=M3U8)
            case "/widevine.mpd":
                return text(
                    mpd(f"{WIDEVINE}<BaseURL>/clip.mp4</BaseURL>"),
                    media_type="application/dash+xml",
                )
            case "/unnamed.mpd":
                return text(mpd(UNNAMED), media_type="application/dash+xml")
            case "/segment0.ts" | "/segment1.ts":
                return Answer(
                    content=File(self._hls.with_name(request.path[1:])), media_type="video/mp2t"
                )
            case "/busy.ts":
                answer = text("busy", status=503)
                return Answer(status=503, content=answer.content, headers={"Retry-After": "100"})
            case _:
                return text("no such page", status=404)


@pytest.fixture(scope="module")
def odd(site: Site) -> Generator[OddLists]:
    with OddLists(site.media.hls) as running:
        yield running


@pytest.fixture(scope="module")
async def runner() -> AsyncGenerator[Runner]:
    async with running() as shared:
        yield shared


@pytest.fixture
def fetch(runner: Runner, tmp_path: Path) -> Fetch:
    return lambda url: runner.fetch(order(url, tmp_path), ignore)


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/sample-aes.m3u8", "DrmProtectedError"),
        ("/fairplay.m3u8", "DrmProtectedError"),
        ("/widevine.mpd", "DrmProtectedError"),
        ("/two-maps.m3u8", "UnsupportedSiteError"),
        ("/unnamed.mpd", "BrokenExtractorError"),
    ],
)
async def test_a_list_that_cannot_be_taken_in_is_refused_for_good(
    fetch: Fetch, odd: OddLists, path: str, kind: str
) -> None:
    with pytest.raises(DownloadError) as caught:
        await fetch(odd.url(path))

    assert type(caught.value).__name__ == kind
    assert isinstance(caught.value, failures.PermanentError)


@pytest.mark.parametrize("path", ["/bom.m3u8", "/bom-main.m3u8"])
async def test_a_byte_order_mark_is_no_segment(fetch: Fetch, odd: OddLists, path: str) -> None:
    media = await fetch(odd.url(path))

    assert media.extension == "mp4"


async def test_a_segment_that_was_refused_to_the_end_tells_its_status_and_its_wait(
    fetch: Fetch, odd: OddLists
) -> None:
    with pytest.raises(TransientError) as caught:
        await fetch(odd.url("/busy.m3u8"))

    assert "HTTPError" in caught.value.__notes__[0]
    assert caught.value.retry_after is not None
    # It asks for a longer wait than a fetch may sleep: that is for the next attempt.
    assert len(odd.requests_for("/busy.ts")) == 1
