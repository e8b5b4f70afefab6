"""What a source refuses, as the row and the site's limits remember it."""

from collections.abc import Generator
from pathlib import Path

import pytest

from domain.requests import Wish, site_of
from domain.states import Mode, Stage, Status
from storage import warnings
from storage.limits import Limited
from tests.support.answers import Answer, text
from tests.support.content import File
from tests.support.journal import Request
from tests.support.server import LocalServer
from tests.support.site import Site
from tests.support.station import Station

DRM = (
    '#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXT-X-KEY:METHOD=SAMPLE-AES,URI="/key"\n'
    "#EXTINF:1,\n/1.ts\n#EXT-X-ENDLIST\n"
)
PAGE = (
    '<!doctype html><title>x</title><video src="/clip.mp4">'
    '<track kind="subtitles" srclang="en" src="/busy.vtt"></video>'
)


class Refusing(LocalServer):
    """A protected playlist, and a page whose subtitles are refused."""

    def __init__(self, clip: Path) -> None:
        super().__init__()
        self._answers = {
            "/drm.m3u8": text(DRM, media_type="application/vnd.apple.mpegurl"),
            "/page": text(PAGE, media_type="text/html"),
            "/clip.mp4": Answer(content=File(clip), media_type="video/mp4"),
        }

    def answer(self, request: Request) -> Answer:
        return self._answers.get(request.path, Answer(status=429))


@pytest.fixture
def source(site: Site) -> Generator[Refusing]:
    with Refusing(site.media.clip) as running:
        yield running


async def test_what_is_protected_is_tried_once_and_says_why(
    idle_station: Station, source: Refusing
) -> None:
    await idle_station.start_worker()
    history_id = await idle_station.submit(source.url("/drm.m3u8"))

    row = await idle_station.ended(history_id)

    runs = await idle_station.services.downloads.runs(history_id)
    assert (row["status"], row["error_code"]) == (Status.FAILED, "drm_protected")
    assert (row["attempts"], row["error_retryable"]) == (1, False)
    assert "DRM" in runs[-1]["detail"]


async def test_refused_subtitles_cost_neither_the_video_nor_the_site(
    idle_station: Station, source: Refusing
) -> None:
    await idle_station.start_worker()
    url = source.url("/page")
    accepted = await idle_station.services.downloads.submit(
        idle_station.user.user_id, Mode.QUICK, Wish(url=url, subtitles=("en",))
    )
    idle_station.wake(Stage.ACQUIRE_PROXY, accepted["history_id"])

    row = await idle_station.ended(accepted["history_id"])

    assert row["status"] == Status.PENDING_CLEANUP
    assert [one.subject for one in warnings.from_json(row["warnings"])] == ["en"]
    assert await idle_station.services.limits.cooling(Limited.SITE, site_of(url)) is None
