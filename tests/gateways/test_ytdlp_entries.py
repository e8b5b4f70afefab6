"""Which video of several at one address is named by a look and fetched later."""

import hashlib
from collections.abc import AsyncGenerator
from dataclasses import replace
from pathlib import Path

import pytest

from domain import failures
from domain.download import FetchedMedia
from domain.entries import FIRST, EntrySelector
from domain.findings import Entry
from domain.requests import Wish
from gateways.ytdlp.options import FetchOrder
from gateways.ytdlp.runner import Runner
from tests.gateways.looking import look_order
from tests.support.fetching import LIMITS, ignore, lease_of, running
from tests.support.site import Site

EIGHT = tuple(range(40, 48))


@pytest.fixture(scope="module")
async def runner() -> AsyncGenerator[Runner]:
    async with running() as shared:
        yield shared


class Fetch:
    """Fetches with the shared runner, each into a folder of its own."""

    def __init__(self, runner: Runner, folder: Path) -> None:
        self._runner = runner
        self._folder = folder
        self._count = 0

    async def __call__(self, url: str, entry: EntrySelector | None = None) -> FetchedMedia:
        self._count += 1
        staging = self._folder / str(self._count)
        staging.mkdir()
        wish = Wish(url=url, entry=entry)
        order = FetchOrder(wish=wish, staging=staging, lease=lease_of(None))
        return await self._runner.fetch(order, ignore)


@pytest.fixture
def fetch(runner: Runner, tmp_path: Path) -> Fetch:
    return Fetch(runner, tmp_path)


def md5(media: FetchedMedia) -> str:
    return hashlib.md5(media.path.read_bytes(), usedforsecurity=False).hexdigest()


async def entries_at(runner: Runner, url: str) -> tuple[Entry, ...]:
    found = await runner.look(look_order(url, max_entries=10))
    assert found.entries is not None
    return found.entries


async def test_each_of_several_videos_of_a_page_can_be_fetched(
    runner: Runner, fetch: Fetch, site: Site
) -> None:
    url = site.several_url(*EIGHT)

    entries = await entries_at(runner, url)
    arrived = [md5(await fetch(one.url, one.entry)) for one in entries]

    assert {one.url for one in entries} == {url}
    assert [one.index for one in entries] == list(range(1, 9))
    assert arrived == [site.md5(f"/clips/{number}.mp4") for number in EIGHT]


async def test_a_list_is_never_its_first_video(fetch: Fetch, site: Site) -> None:
    url = site.several_url(9160, 9161, 9162)

    with pytest.raises(failures.IsPlaylistError) as raised:
        await fetch(url)

    assert (raised.value.entries, raised.value.is_truncated) == (3, False)
    assert "3 videos" in str(raised.value)
    assert not site.requests_for("/clips/9160.mp4")


async def test_a_feed_is_a_list_too_and_counted_up_to_a_bound(tmp_path: Path, site: Site) -> None:
    async with running(replace(LIMITS, max_entries=4)) as bounded:
        with pytest.raises(failures.IsPlaylistError) as raised:
            await Fetch(bounded, tmp_path)(site.feed_url(*EIGHT))

    assert (raised.value.entries, raised.value.is_truncated) == (4, True)


async def test_the_first_can_be_wished_on_purpose(fetch: Fetch, site: Site) -> None:
    of_a_list = await fetch(site.several_url(*EIGHT), FIRST)
    of_a_video = await fetch(site.clip_url(48), FIRST)

    assert md5(of_a_list) == site.md5("/clips/40.mp4")
    assert md5(of_a_video) == site.md5("/clips/48.mp4")


async def test_an_entry_is_the_same_video_after_its_page_has_grown(
    runner: Runner, fetch: Fetch, site: Site
) -> None:
    url = site.several_url(50, 51, then=(52, 50, 51), key="grown")

    second = (await entries_at(runner, url))[1]
    media = await fetch(second.url, second.entry)

    assert second.entry == EntrySelector(index=2, id="51.mp4")
    assert md5(media) == site.md5("/clips/51.mp4")


@pytest.mark.parametrize(
    ("then", "entry"),
    [
        ((53, 54), EntrySelector(index=1, id="50.mp4")),
        ((53,), EntrySelector(index=1, id="50.mp4")),
        ((53, 54), EntrySelector(id="50.mp4")),
        ((53, 54), EntrySelector(index=3)),
        ((53,), EntrySelector(index=2)),
    ],
)
async def test_an_entry_that_is_gone_is_no_other_video(
    fetch: Fetch, site: Site, then: tuple[int, ...], entry: EntrySelector
) -> None:
    before = len(site.journal)

    with pytest.raises(failures.EntryGoneError):
        await fetch(site.several_url(*then), entry)

    assert not [one for one in site.journal[before:] if one.path.startswith("/clips")]


async def test_an_entry_of_a_single_video_is_the_video_itself(fetch: Fetch, site: Site) -> None:
    media = await fetch(site.clip_url(55), EntrySelector(index=1, id="55"))

    assert md5(media) == site.md5("/clips/55.mp4")


async def test_a_feed_names_addresses_that_need_no_selector(runner: Runner, site: Site) -> None:
    entries = await entries_at(runner, site.feed_url(56, 57))

    assert [one.url for one in entries] == [site.clip_url(56), site.clip_url(57)]
    assert [one.title for one in entries] == ["Episode 56", "Episode 57"]
    assert [one.entry for one in entries] == [None, None]


async def test_a_feed_with_one_item_is_that_video(fetch: Fetch, site: Site) -> None:
    media = await fetch(site.feed_url(58))

    assert md5(media) == site.md5("/clips/58.mp4")
