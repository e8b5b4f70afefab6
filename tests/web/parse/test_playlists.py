"""A playlist as one submission: looked at by a real worker, then a batch like any other."""

import asyncio
import json
import signal
from typing import Any

import httpx

from tests.support.ports import free_port, is_listening
from tests.support.shelf import Shelf
from tests.support.site import Site as Videos
from tests.support.waiting import eventually
from tests.support.web_process import start_web
from tests.web.parse.served import LOOPBACK, Parsing, code


async def submit(
    parsing: Parsing, url: str, *, key: str | None = None, **more: object
) -> httpx.Response:
    return await parsing.member.http.post(
        "/download/batch",
        json={"playlist_url": url, "mode": "quick_download"} | more,
        headers={} if key is None else {"Idempotency-Key": key},
    )


def urls(answer: httpx.Response) -> list[str]:
    assert answer.status_code == 202, answer.text
    return [one["url"] for one in answer.json()["downloads"]]


async def history(parsing: Parsing) -> list[dict[str, Any]]:
    page = await parsing.member.http.get("/user/history", params={"limit": "100"})
    items: list[dict[str, Any]] = page.json()["items"]
    return items


def named(*numbers: int) -> list[str]:
    return [f"http://video.example/{number}" for number in numbers]


async def test_its_videos_become_a_batch_in_their_order_and_form(
    working: Parsing, shelf: Shelf
) -> None:
    form: dict[str, Any] = {
        "quality": "720p",
        "format_id": "22",
        "container": "mkv",
        "subtitles": ["en", "en"],
    }

    answer = await submit(working, shelf.url("/feed", items=3), **form)

    told = answer.json()
    batch = (await working.member.http.get(f"/download/batch/{told['batch_id']}")).json()
    row: Any = await working.station.services.downloads.of_user(
        told["downloads"][0]["history_id"], working.member.user_id
    )
    assert urls(answer) == named(0, 1, 2)
    assert told["truncated"] is False
    assert answer.headers["Location"] == f"/api/v1/download/batch/{told['batch_id']}"
    assert batch["total"] == 3
    wished = [row[name] for name in ("quality", "format_id", "container", "subtitles")]
    assert wished == ["720p", "22", "mkv", "en"]


async def test_what_is_named_twice_or_leads_inside_is_left_out(
    working: Parsing, shelf: Shelf
) -> None:
    twice = await submit(working, shelf.url("/twice"))
    inside = await submit(working, shelf.url("/inside"))

    assert urls(twice) == named(1, 2)
    assert urls(inside) == ["http://video.example/last"]


async def test_a_single_video_is_a_batch_of_one(working: Parsing, videos: Videos) -> None:
    url = videos.url("/dash/manifest.mpd")

    assert urls(await submit(working, url)) == [url]


async def test_a_longer_one_is_cut_and_says_so(parsing: Parsing, shelf: Shelf) -> None:
    await parsing.station.start_worker(VASSET_DOWNLOADS__MAX_PLAYLIST_ENTRIES="7")

    longer = await submit(parsing, shelf.url("/feed", items=8))
    whole = await submit(parsing, shelf.url("/feed", items=7))
    parsed = (await parsing.ask(shelf.url("/feed", items=8))).json()

    assert (urls(longer), longer.json()["truncated"]) == (named(*range(7)), True)
    assert (len(urls(whole)), whole.json()["truncated"]) == (7, False)
    assert (len(parsed["entries"]), parsed["truncated"]) == (7, True)


async def test_what_is_beyond_the_quota_is_told_in_its_place(
    parsing: Parsing, shelf: Shelf
) -> None:
    await parsing.station.start_worker()
    await parsing.station.services.db.raw(
        f"INSERT INTO quotas (user_id, daily_downloads) VALUES ({parsing.member.user_id}, 2)"
    )

    told = (await submit(parsing, shelf.url("/feed", items=3))).json()["downloads"]

    codes = [one["error"] and one["error"]["code"] for one in told]
    assert codes == [None, None, "quota_exceeded"]


async def test_what_could_not_be_looked_at_makes_nothing(
    working: Parsing, parsing: Parsing, shelf: Shelf
) -> None:
    before = await history(working)

    nothing = await submit(working, shelf.url("/nothing"))
    empty = await submit(working, shelf.url("/feed", items=0))
    inside = await submit(working, "http://10.0.0.1/")
    nobody = await submit(parsing, shelf.url("/feed"))

    assert code(nothing) == (422, "unsupported_site")
    assert code(empty) == (422, "unsupported_site")
    assert code(inside) == (422, "forbidden_address")
    assert code(nobody) == (503, "timed_out")
    assert "Retry-After" in nobody.headers
    assert await history(working) == before
    assert await history(parsing) == []


async def test_ten_at_once_with_one_key_are_one_batch_of_one_look(
    parsing: Parsing, shelf: Shelf
) -> None:
    await parsing.station.start_worker()
    shelf.delay_s = 0.5

    answers = await asyncio.gather(
        *(submit(parsing, shelf.url("/feed"), key="k") for _ in range(10))
    )

    assert {answer.status_code for answer in answers} == {202}
    assert len({answer.text for answer in answers}) == 1
    assert len(shelf.requests_for("/feed")) == 1
    assert len(await history(parsing)) == 3


async def test_a_repeat_is_answered_when_nobody_could_look_any_more(
    parsing: Parsing, shelf: Shelf
) -> None:
    worker = await parsing.station.start_worker()
    first = await submit(parsing, shelf.url("/feed"), key="k")
    worker.stop(signal.SIGKILL)
    redis: Any = parsing.station.services.redis
    await redis.flushdb()

    again = await submit(parsing, shelf.url("/feed"), key="k")
    other = await submit(parsing, shelf.url("/feed", items=1), key="k")

    assert (again.status_code, again.text) == (202, first.text)
    assert code(other) == (422, "invalid_request")


async def test_a_web_process_that_dies_meanwhile_leaves_nothing_and_the_repeat_all(
    parsing: Parsing, shelf: Shelf
) -> None:
    port = free_port()
    doomed = start_web(
        parsing.site.settings, port, {"VASSET_EGRESS__ALLOW_PRIVATE": json.dumps([LOOPBACK])}
    )
    try:
        await eventually(lambda: is_listening(port), timeout_s=60, what="the web process")
        await parsing.station.start_worker()
        shelf.delay_s = 60
        asked = {"playlist_url": shelf.url("/feed"), "mode": "archive"}
        async with httpx.AsyncClient(
            base_url=f"http://127.0.0.1:{port}/api/v1", timeout=30
        ) as client:
            client.headers["Authorization"] = f"Bearer {parsing.member.token}"
            client.headers["Idempotency-Key"] = "k"
            asking = asyncio.create_task(client.post("/download/batch", json=asked, timeout=60))
            await eventually(lambda: shelf.requests_for("/feed"), timeout_s=60, what="the look")
            doomed.kill()
            died = await asyncio.gather(asking, return_exceptions=True)
    finally:
        doomed.kill()
        doomed.wait()
    left = await history(parsing)
    shelf.delay_s = 0

    async def accepted() -> httpx.Response | None:
        answer = await submit(parsing, shelf.url("/feed"), key="k", mode="archive")
        return answer if answer.status_code == 202 else None

    answer = await eventually(accepted, timeout_s=60, what="the batch")

    assert isinstance(died[0], httpx.TransportError)
    assert left == []
    assert answer is not None
    assert urls(answer) == named(0, 1, 2)
    assert len(await history(parsing)) == 3
