"""The picture of what is at an address, by way of the server: from the site into the answer."""

import json
from base64 import b64decode
from typing import Any

from domain.findings import address_key
from tests.support.gallery import TITLE, Gallery
from tests.support.shelf import Shelf
from tests.web.parse.served import Parsing


async def test_a_picture_is_answered_and_fetched_once_for_all_who_ask(working: Parsing) -> None:
    with Gallery() as gallery:
        first = await working.ask(gallery.watch_url("red.png"))
        again = await working.ask(gallery.watch_url("red.png"))

        told = first.json()
        begin, _, picture = told["thumbnail_preview"].partition(",")
        assert first.status_code == 200, first.text
        assert begin == "data:image/jpeg;base64"
        assert b64decode(picture, validate=True).startswith(b"\xff\xd8\xff")
        assert told["thumbnail"] == gallery.url("/red.png")
        assert again.content == first.content
        assert len(gallery.requests_for("/red.png")) == 1


async def test_without_a_picture_all_else_is_answered(working: Parsing) -> None:
    with Gallery() as gallery, Shelf() as shelf:
        none = (await working.ask(gallery.watch_url("picture.svg"))).json()
        inside = (await working.ask(shelf.url("/hostile"))).json()
        playlist = (await working.ask(shelf.url("/feed"))).json()

    assert none["title"] == TITLE
    assert none["formats"]
    assert not [told for told in (none, inside, playlist) if "thumbnail_preview" in told]


async def test_an_answer_of_an_earlier_version_is_still_one(working: Parsing) -> None:
    with Gallery() as gallery:
        url = gallery.watch_url("red.jpg")
        await working.ask(url)
        redis: Any = working.station.services.redis
        key = f"vasset:parse:answer:{address_key(url)}"
        kept = json.loads(await redis.hget(key, "text"))
        assert kept.pop("miniature")
        await redis.hset(key, "text", json.dumps(kept))

        told = (await working.ask(url)).json()

    assert told["title"] == TITLE
    assert "thumbnail_preview" not in told
