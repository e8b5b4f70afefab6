"""Many addresses in one request."""

import asyncio
from collections import Counter
from typing import Any

import httpx
import pytest

from domain.download import Progress
from domain.events import ProgressEvent
from domain.states import Stage, Status
from tests.web.conftest import Join, Member, Serve, Site
from tests.web.pairs import pair
from tests.web.rows import Rows

GOOD = [f"https://example.com/{n}" for n in range(3)]


async def submit(member: Member, urls: list[str], **more: object) -> dict[str, Any]:
    answer = await member.http.post(
        "/download/batch", json={"urls": urls, "mode": "quick_download"} | more
    )
    assert answer.status_code == 202, answer.text
    told: dict[str, Any] = answer.json()
    return told


def ids_of(told: dict[str, Any]) -> list[int]:
    return [one["history_id"] for one in told["downloads"]]


async def test_each_address_is_answered_in_its_place(member: Member) -> None:
    bad = ["nonsense", "http://127.0.0.1/", "https://example.com/" + "x" * 2_048]
    urls = [GOOD[0], bad[0], GOOD[1], bad[1], bad[2], GOOD[2]]

    told = (await submit(member, urls, quality="720p"))["downloads"]

    assert [one["url"] for one in told] == urls
    assert [one["error"] and one["error"]["code"] for one in told] == [
        None,
        "invalid_url",
        None,
        "forbidden_address",
        "invalid_url",
        None,
    ]
    assert [one["status"] for one in told if one["error"] is None] == ["queued"] * 3


async def test_the_downloads_are_like_any_other(member: Member, rows: Rows) -> None:
    told = await submit(member, GOOD, audio_only=True, mode="archive")

    page = (await member.http.get("/user/history")).json()["items"]
    quality = await rows.ask(
        f"SELECT DISTINCT quality FROM download_history WHERE batch_id = {told['batch_id']}"
    )
    assert [item["history_id"] for item in page] == ids_of(told)[::-1]
    assert quality == "audio"


async def test_nothing_good_makes_no_batch(member: Member, rows: Rows) -> None:
    before = await rows.count()

    told = await submit(member, ["nonsense"])

    assert told["batch_id"] is None
    assert await rows.count() == before


async def test_what_is_beyond_the_quota_is_told_in_its_place(site: Site, member: Member) -> None:
    await site.front.services.db.raw(
        f"INSERT INTO quotas (user_id, active_downloads) VALUES ({member.user_id}, 2)"
    )

    told = (await submit(member, [GOOD[0], "nonsense", *GOOD[1:]]))["downloads"]

    codes = [one["error"] and one["error"]["code"] for one in told]
    assert codes == [None, "invalid_url", None, "quota_exceeded"]
    assert told[-1]["error"]["retryable"] is True


async def test_the_last_places_are_shared_by_batches_at_once(serve: Serve) -> None:
    async with pair(serve, quota={"active_downloads": 20}) as both:
        body = {"urls": GOOD, "mode": "archive"}
        answers = await asyncio.gather(
            *(both.clients[n % 2].post("/download/batch", json=body) for n in range(20))
        )

    items = [one for answer in answers for one in answer.json()["downloads"]]
    codes = Counter(one["error"] and one["error"]["code"] for one in items)
    assert codes == {None: 20, "quota_exceeded": 40}


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"urls": [], "mode": "archive"}, 422),
        ({"urls": "https://example.com/v", "mode": "archive"}, 422),
        ({"urls": [1], "mode": "archive"}, 422),
        ({"urls": [None], "mode": "archive"}, 422),
        ({"urls": GOOD}, 422),
        ({"mode": "archive"}, 422),
        ({"urls": None, "mode": "archive"}, 422),
        ({"urls": GOOD, "playlist_url": GOOD[0], "mode": "archive"}, 422),
        ({"urls": GOOD, "mode": "archive", "format_id": "no such/thing"}, 422),
        ({"urls": GOOD, "mode": "QUICK "}, 422),
        ({"urls": GOOD, "mode": "archive", "user_id": 1}, 422),
        ({"urls": GOOD, "mode": "archive", "expire_at": "2099-01-01"}, 422),
        ({"urls": ["https://a.example/"] * 501, "mode": "archive"}, 422),
        ({"urls": ["https://a.example/" + "x" * 200] * 400, "mode": "archive"}, 413),
    ],
)
async def test_a_bad_batch_is_refused_and_leaves_nothing(
    member: Member, rows: Rows, body: dict[str, object], status: int
) -> None:
    before = await rows.count()

    answer = await member.http.post("/download/batch", json=body)

    assert (answer.status_code, answer.json()["code"]) == (status, "invalid_request")
    assert await rows.count() == before


async def test_the_longest_batch_is_accepted(site: Site, member: Member) -> None:
    await site.front.services.db.raw(
        f"INSERT INTO quotas (user_id, daily_downloads) VALUES ({member.user_id}, 500)"
    )

    told = await submit(member, [f"https://example.com/{n}" for n in range(500)])

    assert [one["url"][20:] for one in told["downloads"]] == [str(n) for n in range(500)]
    assert ids_of(told) == sorted(ids_of(told))


async def test_a_batch_tells_how_far_each_is(site: Site, member: Member, rows: Rows) -> None:
    told = await submit(member, [*GOOD, "https://example.com/3"])
    runs, done, silent, waits = ids_of(told)
    await rows.run(runs)
    await rows.run(silent)
    await rows.finish(done, b"film", user_id=member.user_id)
    progress = Progress(downloaded_bytes=5, percent=25.5)
    event = ProgressEvent(
        history_id=runs,
        user_id=member.user_id,
        stage=Stage.FETCH,
        attempt=1,
        progress=progress,
    )
    await site.front.services.feed.publish(event)

    shown = (await member.http.get(f"/download/batch/{told['batch_id']}")).json()

    assert shown["total"] == 4
    assert shown["counts"] == {"queued": 1, "running": 2, "pending_cleanup": 1}
    percents = {one["history_id"]: one["percent"] for one in shown["downloads"]}
    assert percents == {runs: 25.5, done: 100.0, silent: None, waits: None}


async def test_a_cancel_ends_what_waits_and_leaves_what_is_done(member: Member, rows: Rows) -> None:
    told = await submit(member, GOOD)
    done, held, _ = ids_of(told)
    await rows.finish(done, b"film", user_id=member.user_id)
    await rows.run(held)
    path = f"/download/batch/{told['batch_id']}/cancel"

    first = await member.http.post(path)
    await rows.end(held, Status.CANCELLED)
    second = await member.http.post(path)

    assert first.status_code == 202
    assert first.json()["counts"] == {"pending_cleanup": 1, "running": 1, "cancelled": 1}
    assert second.status_code == 200
    assert second.json()["counts"] == {"pending_cleanup": 1, "cancelled": 2}


async def test_a_batch_is_its_owners_alone(member: Member, join: Join) -> None:
    told = await submit(member, GOOD)
    path = f"/download/batch/{told['batch_id']}"
    other = await join()

    answers = [
        await other.http.get(path),
        await other.http.post(f"{path}/cancel"),
        await other.http.get("/download/batch/999999"),
        await other.http.get("/download/batch/zero"),
    ]

    assert [answer.status_code for answer in answers] == [403, 403, 403, 422]
    assert (await member.http.get(path)).json()["counts"] == {"queued": 3}


async def test_a_batch_needs_a_token(site: Site) -> None:
    async with httpx.AsyncClient(base_url=f"{site.url}/api/v1", timeout=30) as stranger:
        answer = await stranger.post("/download/batch", json={"urls": GOOD, "mode": "archive"})

    assert answer.status_code == 401
