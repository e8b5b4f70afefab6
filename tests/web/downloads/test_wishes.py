"""What is wished of a download beside its quality, from the request to the worker's hands."""

import pytest

from domain.download import Download
from domain.requests import Container, Live, Quality
from domain.states import Stage
from storage.limits import Turns
from tests.web.conftest import Member, Site
from tests.web.rows import Rows


async def claimed(site: Site, history_id: int) -> Download:
    claim = await site.front.services.downloads.claim(
        history_id, Stage.ACQUIRE_PROXY, holder="a test", turns=Turns(slots=1_000, per_user=10)
    )
    assert claim is not None
    return claim


async def test_container_and_subtitles_reach_the_worker(member: Member, site: Site) -> None:
    history_id = await member.submit(container="webm", subtitles=["en", "pt-BR", "en"])

    claim = await claimed(site, history_id)

    assert claim.wish.container is Container.WEBM
    assert claim.wish.subtitles == ("en", "pt-BR")


async def test_without_a_wish_it_is_left_as_it_comes(member: Member, site: Site) -> None:
    history_id = await member.submit()

    claim = await claimed(site, history_id)

    assert (claim.wish.container, claim.wish.subtitles) == (None, ())


async def test_the_form_of_the_sound_reaches_the_worker(member: Member, site: Site) -> None:
    history_id = await member.submit(quality="audio", container="mp3", audio_bitrate_kbps=192)

    claim = await claimed(site, history_id)

    assert claim.wish.quality is Quality.AUDIO
    assert (claim.wish.container, claim.wish.audio_bitrate_kbps) == (Container.MP3, 192)


@pytest.mark.parametrize("format_id", ["hls-音声", "137+140", "v" * 90 + "+" + "é" * 100])
async def test_formats_of_any_script_reach_the_worker_whole(
    member: Member, site: Site, format_id: str
) -> None:
    history_id = await member.submit(format_id=format_id)

    claim = await claimed(site, history_id)

    assert claim.wish.format_id == format_id


async def test_a_form_that_was_queued_before_there_were_others_is_whole(
    member: Member, site: Site, rows: Rows
) -> None:
    history_id = await member.submit(format_id="137")
    await rows.set(history_id, "format_ids = NULL")

    claim = await claimed(site, history_id)

    assert claim.wish.format_id == "137"


async def test_a_wish_to_record_reaches_the_worker(member: Member, site: Site) -> None:
    history_id = await member.submit(live="record")

    claim = await claimed(site, history_id)

    assert claim.wish.live is Live.RECORD


@pytest.mark.parametrize(
    "wish",
    [
        {"container": "avi"},
        {"container": "mp4/mkv"},
        {"container": 4},
        {"quality": "audio", "container": "mp4"},
        {"audio_only": True, "container": "webm"},
        {"quality": "720p", "container": "mp3"},
        {"container": "flac"},
        {"audio_bitrate_kbps": 128},
        {"quality": "audio", "audio_bitrate_kbps": 128},
        {"quality": "audio", "container": "flac", "audio_bitrate_kbps": 128},
        {"quality": "audio", "container": "mp3", "audio_bitrate_kbps": 31},
        {"quality": "audio", "container": "mp3", "audio_bitrate_kbps": 321},
        {"quality": "audio", "container": "mp3", "audio_bitrate_kbps": 128.5},
        {"quality": "audio", "format_id": "137+140"},
        {"quality": "250p"},
        {"format_id": "a\u202eb"},
        {"format_id": "x" * 201},
        {"live": "watch"},
        {"live": True},
        {"subtitles": "en"},
        {"subtitles": ["en,de"]},
        {"subtitles": [".*"]},
        {"subtitles": ["-en"]},
        {"subtitles": ["en\n"]},
        {"subtitles": ["english"]},
        {"subtitles": [f"a{letter}" for letter in "abcdefghijk"]},
    ],
)
async def test_a_wish_that_nobody_could_grant_is_refused(
    member: Member, wish: dict[str, object]
) -> None:
    body = {"url": "https://example.com/v", "mode": "archive"} | wish

    answer = await member.http.post("/download", json=body)

    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request")
