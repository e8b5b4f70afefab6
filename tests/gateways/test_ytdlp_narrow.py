"""Sources that allow one or two connections at once: a real nginx with limit_conn."""

from collections.abc import AsyncGenerator, Awaitable, Callable
from dataclasses import replace
from pathlib import Path

import pytest

from domain.download import FetchedMedia
from gateways.ytdlp.runner import Runner
from tests.conftest import installed
from tests.support.fetching import LIMITS, ignore, order, running
from tests.support.narrow import NarrowSource
from tests.support.site import Site

Fetch = Callable[[str], Awaitable[FetchedMedia]]


@pytest.fixture(scope="module")
async def runner() -> AsyncGenerator[Runner]:
    async with running(replace(LIMITS, connections=4)) as shared:
        yield shared


@pytest.fixture
def fetch(runner: Runner, tmp_path: Path) -> Fetch:
    return lambda url: runner.fetch(order(url, tmp_path), ignore)


@pytest.mark.parametrize("connections", [1, 2])
async def test_segments_come_one_by_one_from_a_source_that_refuses_more(
    fetch: Fetch, site: Site, connections: int
) -> None:
    with installed(lambda: NarrowSource(connections, site.media.folder, rate="15k")) as source:
        media = await fetch(f"{source.url}/hls/index.m3u8")

        assert media.extension == "mp4"
        assert source.refusals <= 6


async def test_a_careful_attempt_is_refused_nothing(
    runner: Runner, site: Site, tmp_path: Path
) -> None:
    with installed(lambda: NarrowSource(1, site.media.folder, rate="15k")) as source:
        wanted = replace(order(f"{source.url}/hls/index.m3u8", tmp_path), is_careful=True)
        await runner.fetch(wanted, ignore)

        assert source.refusals <= 1


async def test_the_request_that_looked_is_over_before_the_file_is_asked_for(
    fetch: Fetch, site: Site
) -> None:
    (site.media.folder / "long.mp4").write_bytes(site.media.clip.read_bytes())

    with installed(lambda: NarrowSource(1, site.media.folder)) as source:
        media = await fetch(f"{source.url}/long.mp4")

        assert media.size_bytes == site.media.clip.stat().st_size
        assert source.refusals <= 1
