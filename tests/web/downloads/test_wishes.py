"""What is wished of a download beside its quality, from the request to the worker's hands."""

import pytest

from domain.requests import Container
from domain.states import Stage
from storage.limits import Turns
from tests.web.conftest import Member, Site


async def test_container_and_subtitles_reach_the_worker(member: Member, site: Site) -> None:
    history_id = await member.submit(container="webm", subtitles=["en", "pt-BR", "en"])

    claim = await site.front.services.downloads.claim(
        history_id, Stage.ACQUIRE_PROXY, holder="a test", turns=Turns(slots=1_000, per_user=10)
    )

    assert claim is not None
    assert claim.wish.container is Container.WEBM
    assert claim.wish.subtitles == ("en", "pt-BR")


async def test_without_a_wish_it_is_left_as_it_comes(member: Member, site: Site) -> None:
    history_id = await member.submit()

    claim = await site.front.services.downloads.claim(
        history_id, Stage.ACQUIRE_PROXY, holder="a test", turns=Turns(slots=1_000, per_user=10)
    )

    assert claim is not None
    assert (claim.wish.container, claim.wish.subtitles) == (None, ())


@pytest.mark.parametrize(
    "wish",
    [
        {"container": "avi"},
        {"container": "mp4/mkv"},
        {"container": 4},
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
