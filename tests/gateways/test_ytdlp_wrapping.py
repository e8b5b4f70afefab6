"""The container that is wished, and the subtitles in it."""

from collections.abc import AsyncGenerator
from pathlib import Path

import av
import pytest

from domain import failures
from domain.download import FetchedMedia, Progress
from domain.requests import Container, Quality, Wish
from gateways.ytdlp.options import FetchOrder
from gateways.ytdlp.runner import Runner
from gateways.ytdlp.wrapping import wrapping
from tests.support.fetching import ignore, lease_of, running
from tests.support.site import Site

URL = "https://video.example/1"


@pytest.fixture(scope="module")
async def runner() -> AsyncGenerator[Runner]:
    async with running() as shared:
        yield shared


async def fetched(
    runner: Runner, wish: Wish, staging: Path, progress: list[Progress] | None = None
) -> FetchedMedia:
    order = FetchOrder(wish=wish, staging=staging, lease=lease_of(None))
    return await runner.fetch(order, ignore if progress is None else progress.append)


def tracks(media: FetchedMedia) -> tuple[str, list[tuple[str, str | None]]]:
    """Return the format of a file and its tracks: kind and language."""
    with av.open(str(media.path)) as container:
        return container.format.name, [(one.type, one.language) for one in container.streams]


@pytest.mark.parametrize(
    ("container", "kind"), [(Container.MKV, "matroska,webm"), (Container.MP4, "mov,mp4")]
)
@pytest.mark.parametrize("path", ["/clips/5.mp4", "/hls/index.m3u8", "/dash/manifest.mpd"])
async def test_a_video_comes_in_the_container_that_is_wished(
    runner: Runner, site: Site, tmp_path: Path, path: str, container: Container, kind: str
) -> None:
    media = await fetched(runner, Wish(url=site.url(path), container=container), tmp_path)

    found, kinds = tracks(media)
    assert media.extension == container
    assert found.startswith(kind)
    assert {kind for kind, _ in kinds} == {"video", "audio"}


async def test_webm_is_not_made_of_what_does_not_belong_into_it(
    runner: Runner, site: Site, tmp_path: Path
) -> None:
    wish = Wish(url=site.url("/dash/manifest.mpd"), container=Container.WEBM)

    with pytest.raises(failures.UnsupportedSiteError):
        await fetched(runner, wish, tmp_path)


@pytest.mark.parametrize("container", [None, Container.MP4, Container.MKV])
async def test_the_wished_subtitles_that_there_are_come_in_the_file(
    runner: Runner, site: Site, tmp_path: Path, container: Container | None
) -> None:
    # One is not there, and one in a form that cannot be taken in.
    codes = ("en", "de", "it", "fr", "all")
    wish = Wish(url=site.url("/subtitled/6"), container=container, subtitles=codes)
    progress: list[Progress] = []

    media = await fetched(runner, wish, tmp_path, progress)

    _, found = tracks(media)
    languages = [language for kind, language in found if kind == "subtitle"]
    assert languages in (["eng", "deu"], ["eng", "ger"])
    (warning,) = media.warnings
    assert warning.message == "Subtitles are missing: it, fr, all."
    assert {kind for kind, _ in found} >= {"video", "audio", "subtitle"}
    assert progress[0].total_bytes is not None
    assert progress[0].total_bytes > 10_000


async def test_nothing_of_the_wish_is_for_sound_alone(
    runner: Runner, site: Site, tmp_path: Path
) -> None:
    wish = Wish(
        url=site.url("/audio.m4a"),
        quality=Quality.AUDIO,
        container=Container.MKV,
        subtitles=("en",),
    )

    assert (await fetched(runner, wish, tmp_path)).extension == "m4a"


def test_nothing_is_done_that_was_not_wished() -> None:
    assert wrapping(Wish(url=URL)) == {"merge_output_format": "mkv"}
