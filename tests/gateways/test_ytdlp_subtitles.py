"""Side matters stay aside: whatever becomes of the subtitles, the video comes."""

from collections.abc import AsyncGenerator, Generator
from dataclasses import replace
from pathlib import Path

import av
import pytest

from domain.download import FetchedMedia
from domain.requests import Wish
from gateways.ytdlp.options import FetchOrder
from gateways.ytdlp.runner import Runner
from gateways.ytdlp.subtitles import choose
from tests.support.answers import Answer, Pace, text
from tests.support.content import File
from tests.support.fetching import ignore, lease_of, running
from tests.support.journal import Request
from tests.support.server import LocalServer
from tests.support.site import Site

VTT = "WEBVTT\n\n00:01.000 --> 00:03.000\nHello\n"
TRACKS = {
    "/good.vtt": text(VTT, media_type="text/vtt"),
    "/busy.vtt": Answer(status=429, headers={"Retry-After": "60"}),
    "/page.vtt": text("<!doctype html><title>Sorry</title>", media_type="text/html"),
    "/broken.vtt": replace(text(f"{VTT}\n" * 400), pace=Pace(cut_after=100)),
    "/nonsense.vtt": text("WEBVTT\n\n\x00\x01 --> nonsense", media_type="text/vtt"),
}
FORMS = ("vtt", "srt")


class Cinema(LocalServer):
    """A page with a clip and subtitles, of which most cannot be had."""

    def __init__(self, clip: Path) -> None:
        super().__init__()
        self._clip = clip

    def answer(self, request: Request) -> Answer:
        path = request.path
        if path == "/clip.mp4":
            return Answer(content=File(self._clip), media_type="video/mp4")
        if path.endswith(".vtt"):
            return TRACKS.get(path, text("no such page", status=404))
        tracks = "".join(
            f'<track kind="subtitles" srclang="{code}" src="/{name}.vtt">'
            for code, _, name in (one.partition(":") for one in path[1:].split(","))
        )
        page = f'<!doctype html><title>x</title><video src="/clip.mp4">{tracks}</video>'
        return text(page, media_type="text/html")


@pytest.fixture(scope="module")
def cinema(site: Site) -> Generator[Cinema]:
    with Cinema(site.media.clip) as running:
        yield running


@pytest.fixture(scope="module")
async def runner() -> AsyncGenerator[Runner]:
    async with running() as shared:
        yield shared


async def fetched(runner: Runner, url: str, languages: str, staging: Path) -> FetchedMedia:
    wish = Wish(url=url, subtitles=tuple(languages.split(",")))
    return await runner.fetch(FetchOrder(wish=wish, staging=staging, lease=lease_of(None)), ignore)


def languages_in(media: FetchedMedia) -> list[str | None]:
    with av.open(str(media.path)) as container:
        return [one.language for one in container.streams if one.type == "subtitle"]


@pytest.mark.parametrize("name", ["busy", "gone", "page", "broken"])
async def test_a_video_comes_without_the_subtitles_that_cannot_be_had(
    runner: Runner, cinema: Cinema, tmp_path: Path, name: str
) -> None:
    url = cinema.url(f"/en:good,de:{name}")

    media = await fetched(runner, url, "en,de", tmp_path)

    assert languages_in(media) == ["eng"]
    assert [one.message for one in media.warnings] == ["Subtitles are missing: de."]


async def test_a_region_will_do_for_a_language(
    runner: Runner, cinema: Cinema, tmp_path: Path
) -> None:
    media = await fetched(runner, cinema.url("/en-US:good"), "en", tmp_path)

    assert len(languages_in(media)) == 1
    assert media.warnings == ()


async def test_subtitles_that_ffmpeg_cannot_take_in_cost_no_video(
    runner: Runner, cinema: Cinema, tmp_path: Path
) -> None:
    media = await fetched(runner, cinema.url("/en:nonsense"), "en", tmp_path)

    assert media.size_bytes > 0


@pytest.mark.parametrize(
    ("wished", "chosen"),
    [
        ("en", {"en-US": "manual"}),
        ("EN", {"en-US": "manual"}),
        ("en-auto", {"en-US": "manual"}),
        ("de", {"de": None}),
        ("de-auto", {"de": "automatic"}),
        ("fr", {"fr": None}),
        ("it", {"it": None}),
    ],
)
def test_automatic_captions_are_taken_only_when_asked_for(
    wished: str, chosen: dict[str, str | None]
) -> None:
    manual = {"en-US": [{"ext": "vtt", "by": "manual"}], "fr": [{"ext": "ttml", "by": "manual"}]}
    automatic = {code: [{"ext": "vtt", "by": "automatic"}] for code in ("en", "de")}

    found = choose([wished], manual, automatic, FORMS)

    assert {name: one and one["by"] for name, one in found.items()} == chosen


def test_a_language_of_the_site_never_leads_out_of_the_folder() -> None:
    offered = {"en-/../../x": [{"ext": "vtt"}]}

    assert choose(["en"], offered, {}, FORMS) == {"en": None}
