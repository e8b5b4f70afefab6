"""Recordings of live streams, by a real child from a site whose window moves when it is read."""

from collections.abc import AsyncGenerator, Generator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import av
import pytest

from domain import failures
from domain.download import FetchedMedia
from domain.requests import Live
from domain.warnings import WarningCode
from gateways.ytdlp.runner import Runner
from tests.support.answers import Answer, text
from tests.support.content import File
from tests.support.fetching import LIMITS, ignore, order, running
from tests.support.journal import Request
from tests.support.server import LocalServer
from tests.support.site import Site

M3U8 = "application/vnd.apple.mpegurl"
SEGMENTS = 6


class Station(LocalServer):
    """A stream of six segments of a second each, of which two or three are in the window.

    The window changes with each reading, but moves on only with the segments that were fetched.

    ======================= ==============================================================
    ``/live/s.m3u8``        it ends with the last segment
    ``/jump/s.m3u8``        after the first segments it jumps to the last two
    ``/lossy/s.m3u8``       as ``live``, but its third segment is gone
    ``/on/s.m3u8``          it goes on with the first segment
    ``/still/s.m3u8``       it stands still once segments were fetched
    ``/full/s.m3u8``        all segments at once, and the end
    ``/main/s.m3u8``        names ``/live/s.m3u8``
    ``/apart/s.m3u8``       names a picture and a sound that go on
    ======================= ==============================================================
    """

    def __init__(self, hls: Path) -> None:
        super().__init__()
        self._hls = hls

    @property
    def size_bytes(self) -> int:
        """Of its largest segment."""
        return max(file.stat().st_size for file in self._hls.parent.glob("segment*.ts"))

    @property
    def fetched(self) -> list[int]:
        """The numbers of the segments that were asked for, in order."""
        paths = [one.path for one in self.journal if one.path.endswith(".ts")]
        return [int(Path(path).stem) for path in paths]

    def answer(self, request: Request) -> Answer:
        kind, _, name = request.path[1:].partition("/")
        if name.endswith(".ts"):
            return self._segment(kind, int(Path(name).stem))
        if kind == "main":
            return _playlist("#EXT-X-STREAM-INF:BANDWIDTH=100000\n/live/s.m3u8\n")
        if kind == "apart" and name == "s.m3u8":
            return _playlist(
                '#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="a",NAME="a",URI="/apart/sound.m3u8"\n'
                '#EXT-X-STREAM-INF:BANDWIDTH=100000,CODECS="avc1.64000c,mp4a.40.2",AUDIO="a"\n'
                "/apart/picture.m3u8\n"
            )
        if kind == "full":
            return _window(0, SEGMENTS, is_ended=True)
        return self._on_air(kind, len(self.requests_for(request.path)))

    def _on_air(self, kind: str, readings: int) -> Answer:
        fetched = self.fetched
        if not fetched:
            return _window(0, 2 + readings % 2)
        if kind == "still":
            return _window(0, 2)
        first = 4 if kind == "jump" else max(fetched)
        return _window(first, 2, is_ended=kind != "on" and first + 2 >= SEGMENTS)

    def _segment(self, kind: str, number: int) -> Answer:
        if kind == "lossy" and number == 2:
            return text("gone", status=404)
        file = self._hls.with_name(f"segment{number % SEGMENTS}.ts")
        return Answer(content=File(file), media_type="video/mp2t")


def _window(first: int, count: int, *, is_ended: bool = False) -> Answer:
    segments = "".join(f"#EXTINF:1.0,\n{number}.ts\n" for number in range(first, first + count))
    head = f"#EXT-X-TARGETDURATION:1\n#EXT-X-MEDIA-SEQUENCE:{first}\n"
    return _playlist(head + segments + ("#EXT-X-ENDLIST\n" if is_ended else ""))


def _playlist(body: str) -> Answer:
    return text(f"#EXTM3U\n#EXT-X-VERSION:3\n{body}", media_type=M3U8)


@pytest.fixture(scope="module")
def station(site: Site) -> Generator[Station]:
    with Station(site.media.hls) as running_station:
        yield running_station


@pytest.fixture(scope="module")
async def runner() -> AsyncGenerator[Runner]:
    async with running(replace(LIMITS, stall_timeout=timedelta(seconds=20))) as shared:
        yield shared


async def _record(runner: Runner, url: str, staging: Path) -> FetchedMedia:
    plain = order(url, staging)
    wish = replace(plain.wish, live=Live.RECORD)
    return await runner.fetch(replace(plain, wish=wish), ignore)


def _warnings(media: FetchedMedia) -> list[tuple[WarningCode, str]]:
    return [(one.code, one.subject) for one in media.warnings]


def _seconds(media: FetchedMedia) -> float:
    with av.open(media.path) as container:
        duration = container.duration
    assert duration is not None
    return duration / av.time_base


@pytest.mark.parametrize("path", ["/live/s.m3u8", "/main/s.m3u8"])
async def test_a_recording_has_each_segment_once(
    runner: Runner, station: Station, tmp_path: Path, path: str
) -> None:
    station.forget()

    media = await _record(runner, station.url(path), tmp_path)

    assert station.fetched == list(range(SEGMENTS))
    assert _seconds(media) == pytest.approx(SEGMENTS, abs=0.5)
    assert _warnings(media) == []


async def test_a_window_that_moved_on_leaves_a_gap(
    runner: Runner, station: Station, tmp_path: Path
) -> None:
    station.forget()

    media = await _record(runner, station.url("/jump/s.m3u8"), tmp_path)

    missing = [number for number in range(SEGMENTS) if number not in station.fetched]
    assert missing
    assert _warnings(media)[0] == (WarningCode.RECORDING_GAPS, f"{len(missing)} segments")


async def test_a_segment_that_is_gone_costs_no_other(
    runner: Runner, station: Station, tmp_path: Path
) -> None:
    station.forget()

    media = await _record(runner, station.url("/lossy/s.m3u8"), tmp_path)

    assert set(station.fetched) == set(range(SEGMENTS))
    assert (WarningCode.RECORDING_GAPS, "1 segments") in _warnings(media)


async def test_a_recording_ends_at_its_limit_of_time(station: Station, tmp_path: Path) -> None:
    station.forget()
    limits = replace(LIMITS, live_limit=timedelta(seconds=3))

    async with running(limits) as runner:
        media = await _record(runner, station.url("/on/s.m3u8"), tmp_path)

    assert media.size_bytes > 0
    assert (WarningCode.RECORDING_ENDED, "time limit") in _warnings(media)


async def test_a_recording_ends_at_its_limit_of_size(station: Station, tmp_path: Path) -> None:
    station.forget()
    size_bytes = station.size_bytes * 5
    limits = replace(LIMITS, max_bytes=size_bytes)

    async with running(limits) as runner:
        media = await _record(runner, station.url("/on/s.m3u8"), tmp_path)

    assert 0 < media.size_bytes <= size_bytes
    assert (WarningCode.RECORDING_ENDED, "size limit") in _warnings(media)


async def test_a_stream_that_stands_still_is_what_there_is(
    station: Station, tmp_path: Path
) -> None:
    station.forget()
    limits = replace(LIMITS, stall_timeout=timedelta(seconds=8))

    async with running(limits) as runner:
        media = await _record(runner, station.url("/still/s.m3u8"), tmp_path)

    assert media.size_bytes > 0
    assert (WarningCode.RECORDING_ENDED, "no new segments came") in _warnings(media)


async def test_a_finished_video_is_fetched_whole(
    runner: Runner, station: Station, tmp_path: Path
) -> None:
    station.forget()

    media = await _record(runner, station.url("/full/s.m3u8"), tmp_path)

    assert sorted(station.fetched) == list(range(SEGMENTS))
    assert _warnings(media) == []


async def test_picture_and_sound_of_their_own_are_refused(
    runner: Runner, station: Station, tmp_path: Path
) -> None:
    station.forget()

    with pytest.raises(failures.NotRecordableError):
        await _record(runner, station.url("/apart/s.m3u8"), tmp_path)

    assert station.fetched == []


async def test_nobody_records_unasked(runner: Runner, station: Station, tmp_path: Path) -> None:
    station.forget()

    with pytest.raises(failures.LiveStreamError):
        await runner.fetch(order(station.url("/on/s.m3u8"), tmp_path), ignore)

    assert station.fetched == []
