import asyncio
import hashlib
from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

from domain import failures
from domain.download import FetchedMedia, Progress
from domain.requests import Quality, Wish
from gateways.ytdlp.options import HOME, FetchOrder
from gateways.ytdlp.runner import Runner
from gateways.ytdlp.texts import MAX_TITLE_LENGTH
from tests.support.fetching import lease_of, running
from tests.support.proxy import ForwardProxy
from tests.support.site import HOSTILE_TITLES, Site


@pytest.fixture(scope="module")
async def runner() -> AsyncGenerator[Runner]:
    async with running() as shared:
        yield shared


class Fetch:
    """One fetch with the shared runner, and what was told of it."""

    def __init__(self, runner: Runner, staging: Path) -> None:
        self._runner = runner
        self._staging = staging
        self.progress: list[Progress] = []

    async def __call__(
        self,
        url: str,
        *,
        quality: Quality = Quality.BEST,
        format_id: str | None = None,
        proxy_url: str | None = None,
    ) -> FetchedMedia:
        wish = Wish(url=url, quality=quality, format_id=format_id)
        order = FetchOrder(wish=wish, staging=self._staging, lease=lease_of(proxy_url))
        return await self._runner.fetch(order, self.progress.append)


@pytest.fixture
def fetch(runner: Runner, tmp_path: Path) -> Fetch:
    return Fetch(runner, tmp_path)


def md5(media: FetchedMedia) -> str:
    return hashlib.md5(media.path.read_bytes(), usedforsecurity=False).hexdigest()


def names(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir() if path.name != HOME]


async def test_a_file_arrives_whole(fetch: Fetch, site: Site, tmp_path: Path) -> None:
    media = await fetch(site.clip_url(1))

    assert media.path == tmp_path / "media.mp4"
    assert md5(media) == site.md5("/clips/1.mp4")
    assert (media.extension, media.extractor) == ("mp4", "generic")
    assert media.size_bytes == media.path.stat().st_size


async def test_an_hls_playlist_becomes_one_file(fetch: Fetch, site: Site, tmp_path: Path) -> None:
    media = await fetch(site.url("/hls/index.m3u8"))

    assert media.extension == "mp4"
    assert names(tmp_path) == ["media.mp4"]
    assert fetch.progress[-1].percent == 100.0


async def test_picture_and_sound_are_merged(fetch: Fetch, site: Site) -> None:
    media = await fetch(site.url("/dash/manifest.mpd"))

    assert media.extension == "mp4"
    percents = [one.percent for one in fetch.progress if one.percent is not None]
    assert percents == sorted(percents)


async def test_one_exact_format_can_be_had(runner: Runner, site: Site, tmp_path: Path) -> None:
    (tmp_path / "1").mkdir()
    (tmp_path / "2").mkdir()
    manifest = site.url("/dash/manifest.mpd")

    large = await Fetch(runner, tmp_path / "1")(manifest, format_id="0")
    small = await Fetch(runner, tmp_path / "2")(manifest, format_id="1")

    assert small.size_bytes < large.size_bytes


async def test_sound_alone_is_not_re_encoded(fetch: Fetch, site: Site) -> None:
    media = await fetch(site.url("/audio.m4a"), quality=Quality.AUDIO)

    assert media.extension == "m4a"
    assert md5(media) == site.md5("/audio.m4a")


async def test_a_format_that_the_site_does_not_have_is_not_replaced(
    fetch: Fetch, site: Site
) -> None:
    with pytest.raises(failures.UnsupportedSiteError):
        await fetch(site.clip_url(1), format_id="22")


async def test_progress_grows_to_a_hundred_in_known_steps(fetch: Fetch, site: Site) -> None:
    await fetch(site.clip_url(1, size=400_000, bytes_per_s=400_000))

    assert len(fetch.progress) > 2
    assert [one.downloaded_bytes for one in fetch.progress] == sorted(
        one.downloaded_bytes for one in fetch.progress
    )
    percents = [one.percent or 0.0 for one in fetch.progress]
    assert percents == sorted(percents)
    assert percents[-1] == 100.0
    assert fetch.progress[-1].total_bytes == 400_000


async def test_no_title_leaves_its_place(runner: Runner, site: Site, tmp_path: Path) -> None:
    folders = [tmp_path / str(number) for number in range(len(HOSTILE_TITLES))]
    for folder in folders:
        folder.mkdir()

    all_media = await asyncio.gather(
        *(
            Fetch(runner, folder)(site.watch_url(1, title))
            for folder, title in zip(folders, HOSTILE_TITLES, strict=True)
        )
    )

    assert [names(folder) for folder in folders] == [["media.mp4"]] * len(folders)
    assert all(len(media.title) <= MAX_TITLE_LENGTH for media in all_media)
    assert all(media.title.isprintable() for media in all_media)


async def test_a_proxy_that_is_not_there_is_its_own_fault(fetch: Fetch, site: Site) -> None:
    with pytest.raises(failures.ProxyFaultError):
        await fetch(site.clip_url(1), proxy_url="http://user:secret@127.0.0.1:9")


async def test_a_proxy_is_used_and_one_that_turns_us_away_is_at_fault(
    runner: Runner, site: Site, tmp_path: Path
) -> None:
    (tmp_path / "1").mkdir()
    (tmp_path / "2").mkdir()

    with ForwardProxy(password="s3cret") as proxy:
        media = await Fetch(runner, tmp_path / "1")(site.clip_url(1), proxy_url=proxy.url)
        with pytest.raises(failures.ProxyFaultError):
            await Fetch(runner, tmp_path / "2")(
                site.clip_url(1), proxy_url=proxy.url_without_password
            )
        passages = proxy.journal

    assert md5(media) == site.md5("/clips/1.mp4")
    assert {(passage.method, passage.host) for passage in passages} == {("CONNECT", "127.0.0.1")}
