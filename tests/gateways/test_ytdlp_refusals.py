from collections.abc import AsyncGenerator, Awaitable, Callable, Generator
from datetime import timedelta
from pathlib import Path

import pytest

from domain import failures
from domain.download import FetchedMedia
from domain.failures import DownloadError, TransientError
from gateways.ytdlp.runner import Runner
from tests.support.answers import Answer, text
from tests.support.fetching import ignore, order, running
from tests.support.journal import Request
from tests.support.server import LocalServer
from tests.support.site import Site

Fetch = Callable[[str], Awaitable[FetchedMedia]]


class OddSite(LocalServer):
    """What the video site does not have."""

    def answer(self, request: Request) -> Answer:
        asked = len(self.requests_for("/live.m3u8"))
        playlist = f"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n/1.ts?{asked}\n"
        match request.path:
            case "/page":
                return text("<!doctype html><title>Nothing</title>", media_type="text/html")
            case "/live.m3u8":
                return text(playlist, media_type="application/vnd.apple.mpegurl")
            case "/list.mp4":
                return text(playlist, media_type="video/mp4")
            case _:
                return text("\x00\x01" * 600, media_type="application/octet-stream")


@pytest.fixture(scope="session")
def odd() -> Generator[OddSite]:
    with OddSite() as running:
        yield running


@pytest.fixture(scope="module")
async def runner() -> AsyncGenerator[Runner]:
    async with running() as shared:
        yield shared


@pytest.fixture
def fetch(runner: Runner, tmp_path: Path) -> Fetch:
    return lambda url: runner.fetch(order(url, tmp_path), ignore)


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (404, failures.SourceGoneError),
        (410, failures.SourceGoneError),
        (403, failures.BlockedError),
        (401, failures.LoginRequiredError),
        (500, failures.SourceTroubleError),
        (503, failures.SourceTroubleError),
    ],
)
async def test_a_refusal_is_told_by_its_kind(
    fetch: Fetch, site: Site, status: int, kind: type[DownloadError]
) -> None:
    with pytest.raises(kind):
        await fetch(site.url(f"/status/{status}"))


async def test_a_rate_limit_tells_how_long_to_wait(fetch: Fetch, site: Site) -> None:
    with pytest.raises(failures.RateLimitedError) as caught:
        await fetch(site.url("/status/429", retry_after=7))

    assert caught.value.retry_after == timedelta(seconds=7)


async def test_a_page_without_a_video_is_unsupported(fetch: Fetch, odd: OddSite) -> None:
    with pytest.raises(failures.UnsupportedSiteError):
        await fetch(odd.url("/page"))


async def test_a_body_of_no_known_kind_is_unsupported(fetch: Fetch, odd: OddSite) -> None:
    with pytest.raises(failures.UnsupportedSiteError):
        await fetch(odd.url("/blob"))


async def test_a_stream_without_end_is_refused_before_it_is_fetched(
    fetch: Fetch, odd: OddSite
) -> None:
    with pytest.raises(failures.LiveStreamError):
        await fetch(odd.url("/live.m3u8"))

    assert odd.requests_for("/1.ts") == ()


async def test_a_list_called_a_video_opens_nothing(fetch: Fetch, odd: OddSite) -> None:
    with pytest.raises(failures.UnsupportedSiteError):
        await fetch(odd.url("/list.mp4"))

    assert odd.requests_for("/1.ts") == ()


async def test_a_page_called_a_video_is_unsupported(fetch: Fetch, site: Site) -> None:
    with pytest.raises(failures.UnsupportedSiteError):
        await fetch(site.url("/lies.mp4"))


async def test_a_body_that_keeps_breaking_off_is_tried_again_later(
    fetch: Fetch, site: Site
) -> None:
    with pytest.raises(failures.SourceTroubleError):
        await fetch(site.clip_url(1, size=400_000, cut_after=1_000))


async def test_nobody_at_the_address_is_tried_again_later(fetch: Fetch) -> None:
    with pytest.raises(failures.SourceTroubleError):
        await fetch("http://127.0.0.1:9/clip.mp4")


@pytest.mark.parametrize("path", ["/endless.mp4", "/clips/1.mp4?size=6000000"])
async def test_more_bytes_than_allowed_are_too_large(fetch: Fetch, site: Site, path: str) -> None:
    with pytest.raises(failures.TooLargeError):
        await fetch(site.url(path))


async def test_a_failure_says_what_led_to_it_without_any_text_of_the_site(
    fetch: Fetch, site: Site
) -> None:
    with pytest.raises(TransientError) as caught:
        await fetch(site.url("/status/503", token="s3cret"))

    assert "HTTPError" in caught.value.__notes__[0]
    assert "s3cret" not in caught.value.__notes__[0] + str(caught.value)
