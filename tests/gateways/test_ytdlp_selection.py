"""What a wish brings of each kind of source: the tracks of the file that is handed over."""

from collections.abc import AsyncGenerator, Generator
from pathlib import Path
from typing import Any

import av
import pytest

from domain import failures
from domain.download import FetchedMedia
from domain.requests import Container, Quality, Wish
from gateways.ytdlp.options import FetchOrder
from gateways.ytdlp.runner import Runner
from tests.support.fetching import ignore, lease_of, running
from tests.support.ladders import LadderSite

# Source, wish, what comes. A wish is a quality and a container, or a format id.
TABLE: tuple[tuple[str, str, str], ...] = (
    # A page with progressive files, whose sizes it states.
    ("page/landscape", "best", "mp4: h264 1920x1080, aac 44100"),
    ("page/landscape", "2160p", "mp4: h264 1920x1080, aac 44100"),
    ("page/landscape", "1080p", "mp4: h264 1920x1080, aac 44100"),
    ("page/landscape", "720p", "mp4: h264 1280x720, aac 44100"),
    ("page/landscape", "480p", "mp4: h264 640x360, aac 44100"),
    ("page/landscape", "360p", "mp4: h264 640x360, aac 44100"),
    ("page/landscape", "240p", "mp4: h264 426x240, aac 44100"),
    ("page/landscape", "144p", "mp4: h264 256x144, aac 44100"),
    ("page/landscape", "720p mkv", "mkv: h264 1280x720, aac 44100"),
    ("page/landscape", "id=640x360", "mp4: h264 640x360, aac 44100"),
    ("page/landscape", "id=640x360 mkv", "mkv: h264 640x360, aac 44100"),
    ("page/landscape", "id=640x361", "unsupported_site"),
    ("page/portrait", "best", "mp4: h264 1080x1920, aac 44100"),
    ("page/portrait", "4320p", "mp4: h264 1080x1920, aac 44100"),
    ("page/portrait", "1080p", "mp4: h264 1080x1920, aac 44100"),
    ("page/portrait", "720p", "mp4: h264 720x1280, aac 44100"),
    ("page/portrait", "480p", "mp4: h264 360x640, aac 44100"),
    ("page/portrait", "360p", "mp4: h264 360x640, aac 44100"),
    ("page/portrait", "240p", "mp4: h264 360x640, aac 44100"),
    ("page/square", "1080p", "mp4: h264 1080x1080, aac 44100"),
    ("page/square", "720p", "mp4: h264 480x480, aac 44100"),
    ("page/square", "480p", "mp4: h264 480x480, aac 44100"),
    ("page/square", "360p", "mp4: h264 480x480, aac 44100"),
    ("page/cinema", "1080p", "mp4: h264 1920x800, aac 44100"),
    ("page/cinema", "720p", "mp4: h264 1280x534, aac 44100"),
    ("page/cinema", "480p", "mp4: h264 854x356, aac 44100"),
    ("page/cinema", "360p", "mp4: h264 854x356, aac 44100"),
    ("page/low", "1080p", "mp4: h264 426x240, aac 44100"),
    ("page/low", "144p", "mp4: h264 426x240, aac 44100"),
    # The same, but one side is stated, or none.
    ("labels/landscape", "720p", "mp4: h264 1280x720, aac 44100"),
    ("labels/portrait", "720p", "mp4: h264 720x1280, aac 44100"),
    ("labels/portrait", "1080p", "mp4: h264 1080x1920, aac 44100"),
    ("unknown/low", "144p", "mp4: h264 426x240, aac 44100"),
    ("unknown/low", "id=426-by-240", "mp4: h264 426x240, aac 44100"),
    # HLS, with the sound in each variant.
    ("hls/landscape.m3u8", "best", "mp4: h264 1920x1080, aac 44100"),
    ("hls/landscape.m3u8", "360p", "mp4: h264 640x360, aac 44100"),
    ("hls/portrait.m3u8", "1080p", "mp4: h264 1080x1920, aac 44100"),
    ("hls/portrait.m3u8", "720p", "mp4: h264 720x1280, aac 44100"),
    ("hls/portrait.m3u8", "720p mkv", "mkv: h264 720x1280, aac 44100"),
    ("hls/square.m3u8", "720p", "mp4: h264 480x480, aac 44100"),
    ("hls/cinema.m3u8", "1080p", "mp4: h264 1920x800, aac 44100"),
    ("hls/cinema.m3u8", "id=854x356", "mp4: h264 854x356, aac 44100"),
    # HLS, with the sound in a group.
    ("groups/landscape.m3u8", "best", "mp4: h264 1920x1080, aac 44100"),
    ("groups/landscape.m3u8", "720p", "mp4: h264 1280x720, aac 44100"),
    ("groups/landscape.m3u8", "720p mkv", "mkv: h264 1280x720, aac 44100"),
    ("groups/landscape.m3u8", "720p webm", "unsupported_site"),
    ("groups/portrait.m3u8", "1080p", "mp4: h264 1080x1920, aac 44100"),
    ("groups/portrait.m3u8", "360p", "mp4: h264 360x640, aac 44100"),
    ("groups/cinema.m3u8", "720p", "mp4: h264 1280x534, aac 44100"),
    ("unnamed/landscape.m3u8", "best", "mp4: h264 1920x1080, aac 44100"),
    ("unnamed/portrait.m3u8", "720p", "mp4: h264 720x1280, aac 44100"),
    ("unnamed/portrait.m3u8", "720p mkv", "mkv: h264 720x1280, aac 44100"),
    ("nameless/landscape.m3u8", "360p", "mp4: h264 640x360, aac 44100"),
    ("nameless/portrait.m3u8", "720p", "mp4: h264 720x1280, aac 44100"),
    ("groups/low.m3u8", "id=voice-Français", "mp4: aac 48000"),
    ("groups/low.m3u8", "id=voice-音声", "mp4: aac 32000"),
    ("groups/low.m3u8", "id=426x240", "mp4: h264 426x240, aac 44100"),
    ("groups/low.m3u8", "id=426x240+voice-Français", "mp4: h264 426x240, aac 48000"),
    ("groups/low.m3u8", "id=426x240+voice-音声", "mp4: h264 426x240, aac 32000"),
    ("groups/low.m3u8", "id=voice-音声+426x240", "mp4: h264 426x240, aac 32000"),
    (
        "groups/low.m3u8",
        "id=426x240+voice-English+voice-音声",
        "mp4: h264 426x240, aac 44100, aac 32000",
    ),
    ("groups/low.m3u8", "id=426x240+voice-音声 mkv", "mkv: h264 426x240, aac 32000"),
    ("groups/low.m3u8", "id=voice-English+voice-音声", "m4a: aac 44100, aac 32000"),
    ("groups/low.m3u8", "id=426x240+voice-Deutsch", "unsupported_site"),
    ("unnamed/low.m3u8", "id=426x240+voice-音声", "mp4: h264 426x240, aac 32000"),
    # DASH.
    ("dash/landscape.mpd", "best", "mp4: h264 1920x1080, aac 44100"),
    ("dash/landscape.mpd", "480p", "mp4: h264 640x360, aac 44100"),
    ("dash/portrait.mpd", "1080p", "mp4: h264 1080x1920, aac 44100"),
    ("dash/portrait.mpd", "720p", "mp4: h264 720x1280, aac 44100"),
    ("dash/square.mpd", "1080p", "mp4: h264 1080x1080, aac 44100"),
    ("dash/cinema.mpd", "1080p mp4", "mp4: h264 1920x800, aac 44100"),
    ("dash/low.mpd", "id=426x240+音声", "mp4: h264 426x240, aac 32000"),
    ("dash/low.mpd", "best mkv", "mkv: h264 426x240, aac 44100"),
    ("vp9/landscape.mpd", "best", "webm: vp9 640x360, opus 48000"),
    ("vp9/landscape.mpd", "240p", "webm: vp9 426x240, opus 48000"),
    ("vp9/landscape.mpd", "best mp4", "mp4: vp9 640x360, opus 48000"),
    ("vp9/landscape.mpd", "best mkv", "mkv: vp9 640x360, opus 48000"),
    ("vp9/landscape.mpd", "best webm", "webm: vp9 640x360, opus 48000"),
    # One file.
    ("vp8.webm", "best", "webm: vp8 640x360, vorbis 44100"),
    ("vp8.webm", "144p webm", "webm: vp8 640x360, vorbis 44100"),
    ("vp8.webm", "best mkv", "mkv: vp8 640x360, vorbis 44100"),
    ("vp8.webm", "best mp4", "unsupported_site"),
    # A picture without sound, and sound without a picture.
    ("silent/portrait.mpd", "720p", "mp4: h264 720x1280"),
    ("silent/low.mpd", "audio", "unsupported_site"),
    ("silent/low.mpd", "audio mp3", "unsupported_site"),
    ("picture-426x240.mp4", "best", "mp4: h264 426x240"),
    ("picture-426x240.mp4", "audio", "unsupported_site"),
    ("sound.mpd", "best", "m4a: aac 44100"),
    ("sound.mpd", "1080p", "m4a: aac 44100"),
    # Sound as it is.
    ("page/portrait", "audio", "m4a: aac 44100"),
    ("hls/low.m3u8", "audio", "m4a: aac 44100"),
    ("groups/low.m3u8", "audio", "m4a: aac 44100"),
    ("groups/low.m3u8", "audio id=voice-音声", "m4a: aac 32000"),
    ("page/landscape", "audio id=426x240", "m4a: aac 44100"),
    ("dash/low.mpd", "audio", "m4a: aac 44100"),
    ("vp9/landscape.mpd", "audio", "opus: opus 48000"),
    ("vp8.webm", "audio", "ogg: vorbis 44100"),
    ("tracks.mp4", "audio", "m4a: aac 44100"),
    ("ac3.mkv", "audio", "mka: ac3 44100"),
    ("sound.mp3", "audio", "mp3: mp3 44100"),
    ("sound.flac", "audio", "flac: flac 44100"),
    ("sound.ogg", "audio", "ogg: vorbis 44100"),
    # Sound in a form that is wished.
    ("page/low", "audio mp3", "mp3: mp3 44100"),
    ("page/low", "audio mp3 64", "mp3: mp3 44100"),
    ("page/low", "audio m4a", "m4a: aac 44100"),
    ("page/low", "audio m4a 320", "m4a: aac 44100"),
    ("page/low", "audio opus", "opus: opus 48000"),
    ("page/low", "audio opus 320", "opus: opus 48000"),
    ("page/low", "audio flac", "flac: flac 44100"),
    ("page/low", "audio wav", "wav: pcm_s16le 44100"),
    ("sound.mp3", "audio mp3", "mp3: mp3 44100"),
    ("sound.mp3", "audio mp3 32", "mp3: mp3 44100"),
    ("sound.mp3", "audio m4a", "m4a: aac 44100"),
    ("sound.flac", "audio mp3", "mp3: mp3 44100"),
    ("sound.ogg", "audio opus", "opus: opus 48000"),
    ("ac3.mkv", "audio mp3", "mp3: mp3 44100"),
    ("groups/low.m3u8", "audio mp3", "mp3: mp3 44100"),
    ("vp9/landscape.mpd", "audio m4a", "m4a: aac 48000"),
)


@pytest.fixture(scope="module")
def ladders(tmp_path_factory: pytest.TempPathFactory) -> Generator[LadderSite]:
    with LadderSite(tmp_path_factory.mktemp("ladders")) as site:
        yield site


@pytest.fixture(scope="module")
async def runner() -> AsyncGenerator[Runner]:
    async with running() as shared:
        yield shared


def wish_of(url: str, words: str) -> Wish:
    """Return the wish that a row of the table has in short."""
    said: dict[str, Any] = {}
    for word in words.split():
        if word.startswith("id="):
            said["format_id"] = word.removeprefix("id=")
        elif word.isdecimal():
            said["audio_bitrate_kbps"] = int(word)
        elif word in list(Container):
            said["container"] = Container(word)
        else:
            said["quality"] = Quality(word)
    return Wish(url=url, **said)


def in_short(media: FetchedMedia) -> str:
    """Return the extension of a file and its tracks, pictures first."""
    with av.open(str(media.path)) as container:
        pictures = [
            f"{one.codec_context.codec.canonical_name} {one.width}x{one.height}"
            for one in container.streams.video
        ]
        sounds = [
            f"{one.codec_context.codec.canonical_name} {one.sample_rate}"
            for one in container.streams.audio
        ]
    return f"{media.extension}: {', '.join(pictures + sounds)}"


@pytest.mark.parametrize(
    ("source", "words", "expected"), TABLE, ids=[f"{row[0]}:{row[1]}" for row in TABLE]
)
async def test_a_wish_brings_these_tracks_of_this_source(
    runner: Runner, ladders: LadderSite, tmp_path: Path, source: str, words: str, expected: str
) -> None:
    wish = wish_of(ladders.url(f"/{source}"), words)
    order = FetchOrder(wish=wish, staging=tmp_path, lease=lease_of(None))

    try:
        found = in_short(await runner.fetch(order, ignore))
    except failures.DownloadError as error:
        found = error.code.value

    assert found == expected
