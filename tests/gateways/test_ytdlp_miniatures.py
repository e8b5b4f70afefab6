"""The picture of a look: what becomes one, and that no picture spoils what else was found."""

import asyncio
from base64 import b64decode, b64encode
from collections.abc import AsyncGenerator, Generator
from typing import Any

import pytest
from av import Packet, VideoCodecContext, VideoFrame

from gateways.ytdlp import miniatures
from gateways.ytdlp.facts import thumbnail_url
from gateways.ytdlp.miniatures import Miniature
from gateways.ytdlp.protocol import MAX_LINE_BYTES, decode_report, encode_report
from gateways.ytdlp.runner import Runner
from tests.gateways.looking import PROBE, look_order, probed
from tests.gateways.test_ytdlp_look import ONLY_THE_SITE
from tests.support.fetching import running
from tests.support.gallery import TITLE, Gallery, red
from tests.support.sink import Sink
from tests.support.waiting import eventually

RED = (0xE0, 0x10, 0x10)
SMALL = red("red.jpg", width=320, height=180)
FOUND = """
from gateways.ytdlp.findings import Found
tell(Found(title="whole", extractor="", duration_s=None, thumbnail=None, uploader=None,
           webpage_url=None, live=False, is_list=False))
"""


@pytest.fixture(scope="module")
async def runner() -> AsyncGenerator[Runner]:
    """It may reach the gallery, and nothing else that is inside."""
    async with running(policy=ONLY_THE_SITE) as shared:
        yield shared


@pytest.fixture(scope="module")
async def captured() -> AsyncGenerator[Runner]:
    """Its children do as the address says, instead of yt-dlp."""
    async with running(program=PROBE) as shared:
        yield shared


@pytest.fixture(scope="module")
def gallery() -> Generator[Gallery]:
    with Gallery() as running:
        yield running


def decoded(miniature: str | None) -> VideoFrame:
    """Return the picture of a miniature in red, green and blue."""
    assert miniature is not None
    decoder: Any = VideoCodecContext.create("mjpeg", "r")
    frames: list[VideoFrame] = decoder.decode(Packet(b64decode(miniature)))
    return frames[0].reformat(format="rgb24")


@pytest.mark.parametrize("name", ["red.jpg", "red.png", "red.webp", "red.gif"])
async def test_a_picture_is_made_small_and_stays_what_it_shows(
    runner: Runner, gallery: Gallery, name: str
) -> None:
    found = await runner.look(look_order(gallery.watch_url(name)))

    small = decoded(found.miniature)
    assert (small.width, small.height) == (320, 180)
    # A GIF of eight bits has fewer reds.
    first = bytes(small.planes[0])[:3]
    assert all(abs(is_ - was) < 40 for is_, was in zip(first, RED, strict=True))


@pytest.mark.parametrize(
    "name", ["bomb.png", "false.png", "picture.svg", "large.jpg", "endless.jpg", "gone.jpg"]
)
async def test_what_is_no_small_picture_costs_the_picture_alone(
    runner: Runner, gallery: Gallery, name: str
) -> None:
    found = await runner.look(look_order(gallery.watch_url(name)))

    assert gallery.requests_for(f"/{name}")
    assert (found.title, found.miniature) == (TITLE, None)
    assert [one.format_id for one in found.formats] == ["mp4"]
    assert found.thumbnail == gallery.url(f"/{name}")


async def test_a_picture_that_does_not_come_is_not_waited_for(
    runner: Runner, gallery: Gallery
) -> None:
    order = look_order(gallery.watch_url("slow.jpg"), time_limit_s=60)

    async with asyncio.timeout(20):
        found = await runner.look(order)

    assert (found.title, found.miniature) == (TITLE, None)

    def ended() -> bool:
        return not gallery.requests_for("/slow.jpg")[0].is_open

    await eventually(ended, what="the end of the child")


async def test_a_picture_that_lies_inside_is_not_asked_for(
    runner: Runner, gallery: Gallery
) -> None:
    with Sink() as sink:
        inside = f"http://127.0.0.2:{sink.port}/red.jpg"
        found = await runner.look(look_order(gallery.watch_url(inside)))
        callers = sink.callers

    assert (found.title, found.miniature) == (TITLE, None)
    assert callers == []


@pytest.mark.parametrize(
    "end", ["import os; os.abort()", "raise MemoryError", "look.limits.nothing", "bytes(2**40)"]
)
async def test_a_child_that_dies_of_a_picture_has_told_all_else(captured: Runner, end: str) -> None:
    found = await probed(captured, f"{FOUND}\n{end}")

    assert (found.title, found.miniature) == ("whole", None)


async def test_the_picture_of_a_captured_child_is_left_out_unless_it_is_a_small_jpeg(
    captured: Runner,
) -> None:
    hostile = b64encode(b"<svg onload='alert(1)'/>").decode()
    code = f"from gateways.ytdlp.protocol import Miniature; tell(Miniature(jpeg={hostile!r}))"

    found = await probed(captured, code)

    assert found.miniature is None


def test_a_small_jpeg_is_believed() -> None:
    miniature = Miniature.of(SMALL)

    assert decode_report(encode_report(miniature)) == miniature


@pytest.mark.parametrize(
    "jpeg",
    [
        pytest.param(b"", id="empty"),
        pytest.param(red("red.png"), id="a PNG"),
        pytest.param(red("red.jpg"), id="too wide"),
        pytest.param(red("red.jpg", width=100, height=181), id="too high"),
        pytest.param(SMALL[:-2] + bytes(miniatures.MAX_BYTES) + SMALL[-2:], id="too long"),
        pytest.param(SMALL[:-9], id="cut off"),
        pytest.param(SMALL.replace(b"\xff\xc0", b"\xff\xc2"), id="another kind of frame"),
        pytest.param(SMALL.replace(b"\xff\xc0", b"\x00\xc0"), id="no frame"),
        pytest.param(SMALL[:2] + b"\xff\xfe\xff\xff" + SMALL[2:], id="a comment beyond the end"),
    ],
)
def test_another_picture_is_not_believed(jpeg: bytes) -> None:
    text = b64encode(jpeg).decode()

    assert decode_report(f'{{"miniature": {{"jpeg": "{text}"}}}}'.encode()) is None


@pytest.mark.parametrize("wrong", ["\\n", '\\"', "é", "=", "-_"])
def test_what_is_no_base64_is_not_believed(wrong: str) -> None:
    text = wrong + b64encode(SMALL).decode()

    assert decode_report(f'{{"miniature": {{"jpeg": "{text}"}}}}'.encode()) is None


def test_the_largest_miniature_fits_into_a_line() -> None:
    assert len(b64encode(bytes(miniatures.MAX_BYTES))) < MAX_LINE_BYTES - 1_000


@pytest.mark.parametrize(
    ("widths", "chosen"),
    [
        ([120, 480, 320, 1280, None], 2),
        ([120, None], 1),
        ([120, 168], 1),
        ([float("nan"), "640", -1, 400], 3),
        ([], None),
    ],
)
def test_the_smallest_that_is_wide_enough_is_chosen(
    widths: list[object], chosen: int | None
) -> None:
    told = [{"url": f"http://a.test/{n}", "width": width} for n, width in enumerate(widths)]
    others: list[object] = [{"url": "data:image/png;base64,AAAA", "width": 320}, {}, "x"]

    url = thumbnail_url({"thumbnails": [*others, *told]}, 320)

    assert url == (None if chosen is None else f"http://a.test/{chosen}")
