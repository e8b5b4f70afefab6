import asyncio
import socket
import time
from pathlib import Path

import httpx
import pytest
from redis.asyncio import Redis

from domain.states import Stage, Status
from tests.support.ports import free_port
from tests.support.waiting import eventually
from tests.web.conftest import Join, Member, Serve, Site, register
from tests.web.rows import Rows

FIELDS = {
    "history_id", "url", "title", "extractor", "mode", "status", "status_code", "stage",
    "file_name", "file_size", "file_hash", "error", "attempts", "created_at", "started_at",
    "finished_at", "expire_at", "thumbnail", "duration_s", "entry", "warnings",
}  # fmt: skip
BAD_IDS = [
    "-1", "0", "1.0", "1e3", "0x1", "%D9%A3", "%201", "1%20OR%201", "01", "9223372036854775808",
    "9" * 1_000, "%00", "x", "1%0A", "../1",
]  # fmt: skip


async def test_a_submission_is_accepted_as_a_row(member: Member, site: Site) -> None:
    answer = await member.http.post(
        "/download",
        json={"url": "https://example.com/v?a=1", "mode": "quick_download", "format_id": "137.a_-"},
    )

    shown = answer.json()
    row = await site.front.services.downloads.of_user(shown["history_id"], member.user_id)
    assert answer.status_code == 202
    assert answer.headers["Location"] == f"/api/v1/download/{shown['history_id']}"
    assert set(shown) == FIELDS
    assert (shown["status"], shown["status_code"], shown["mode"]) == ("queued", 4, "quick_download")
    assert shown["created_at"].endswith("Z")
    assert row is not None
    assert (row["url"], row["format_id"]) == ("https://example.com/v?a=1", "137.a_-")


async def test_audio_only_is_a_quality(member: Member, rows: Rows) -> None:
    history_id = await member.submit(audio_only=True, quality="720p")

    kept = await rows.ask(f"SELECT quality FROM download_history WHERE history_id = {history_id}")
    assert kept == "audio"


async def test_a_submission_wakes_a_worker_and_tells_the_feed(member: Member, site: Site) -> None:
    redis = Redis.from_url(  # pyright: ignore[reportUnknownMemberType]
        site.settings.redis.url.get_secret_value(), decode_responses=True
    )
    before = await redis.llen("dramatiq:acquire_proxy")  # pyright: ignore[reportGeneralTypeIssues]

    history_id = await member.submit()

    async def woken() -> bool:
        return await redis.llen("dramatiq:acquire_proxy") == before + 1  # pyright: ignore[reportGeneralTypeIssues]

    await eventually(woken)

    async def told() -> bool:
        latest = await site.front.services.feed.latest([history_id])
        return history_id in latest and latest[history_id]["status"] == "queued"

    await eventually(told)
    await redis.aclose()


async def test_a_submission_is_answered_while_redis_and_broker_are_silent(
    serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.undo()  # The patience of all other tests.
    # A port that takes connections and never says a word.
    with socket.create_server(("127.0.0.1", free_port())) as silent:
        url = f"redis://127.0.0.1:{silent.getsockname()[1]}/0"
        async with (
            serve(redis={"url": url}, broker={"url": url}) as site,
            httpx.AsyncClient(base_url=f"{site.url}/api/v1", timeout=30) as http,
        ):
            member = await register(http)

            start = time.perf_counter()
            await member.submit()

            assert time.perf_counter() - start < 0.5


async def test_one_sees_ones_own_download(member: Member, rows: Rows) -> None:
    history_id = await member.submit()
    await rows.end(history_id, Status.FAILED)

    answer = await member.http.get(f"/download/{history_id}")

    assert answer.status_code == 200
    assert set(answer.json()) == FIELDS | {"runs"}
    assert answer.json()["error"] == {
        "code": "timed_out",
        "message": "The download took too long.",
        "retryable": False,
    }


ROUTES = [
    ("GET", "/download/{}"),
    ("POST", "/download/{}/cancel"),
    ("POST", "/download/{}/retry"),
    ("GET", "/download/file?history_id={}"),
]


@pytest.mark.parametrize(("method", "path"), ROUTES)
async def test_anothers_download_looks_like_none(
    member: Member, join: Join, rows: Rows, method: str, path: str
) -> None:
    other = await join()
    theirs = await other.submit()
    await rows.finish(theirs, b"theirs", user_id=other.user_id)
    before = await rows.ask("SELECT md5(string_agg(d::text, '')) FROM download_history d")

    foreign = await member.http.request(method, path.format(theirs))
    unknown = await member.http.request(method, path.format(2**63 - 1))

    assert (foreign.status_code, foreign.json()["code"]) == (403, "forbidden")
    assert foreign.content == unknown.content
    assert _without_time(foreign) == _without_time(unknown)
    assert before == await rows.ask("SELECT md5(string_agg(d::text, '')) FROM download_history d")


def _without_time(answer: httpx.Response) -> dict[str, str]:
    return {k: v for k, v in answer.headers.items() if k not in ("date", "x-request-id")}


@pytest.mark.parametrize(
    ("path", "text"),
    [
        (path, text)
        for path in (ROUTES[0][1], ROUTES[3][1])
        for text in BAD_IDS
        # A slash makes it another path.
        if not (path == "/download/{}" and "/" in text)
    ],
)
async def test_what_cannot_be_an_id_is_422(member: Member, path: str, text: str) -> None:
    answer = await member.http.get(path.format(text))

    assert answer.status_code == 422, answer.text


@pytest.mark.parametrize(
    "query",
    ["", "history_id=", "history_id=1&history_id=1", "history_id[]=1", "history_id=1&x=1", "%ff=1"],
)
async def test_a_file_is_asked_for_by_one_id(member: Member, query: str) -> None:
    answer = await member.http.get(f"/download/file?{query}")

    assert answer.status_code == (400 if query == "%ff=1" else 422)


@pytest.mark.parametrize(
    ("method", "path"), [*ROUTES, ("POST", "/download"), ("GET", "/user/history")]
)
async def test_no_route_answers_a_stranger(http: httpx.AsyncClient, method: str, path: str) -> None:
    answer = await http.request(method, path.format(1))

    assert answer.status_code == 401


async def test_a_queued_download_is_cancelled_at_once(member: Member, site: Site) -> None:
    history_id = await member.submit()

    first = await member.http.post(f"/download/{history_id}/cancel")
    second = await member.http.post(f"/download/{history_id}/cancel")

    assert (first.status_code, first.json()["status"]) == (200, "cancelled")
    assert (second.status_code, second.json()["code"]) == (409, "conflict")

    async def told() -> bool:
        latest = await site.front.services.feed.latest([history_id])
        return history_id in latest and latest[history_id]["status"] == "cancelled"

    await eventually(told)


async def test_cancelling_a_running_download_is_a_wish_that_its_holder_hears(
    member: Member, site: Site, rows: Rows
) -> None:
    history_id = await member.submit()
    await rows.run(history_id)
    wishes = site.front.services.feed.cancel_wishes()
    heard = asyncio.ensure_future(anext(wishes))
    await asyncio.sleep(0.1)

    answer = await member.http.post(f"/download/{history_id}/cancel")

    assert (answer.status_code, answer.json()["status"]) == (202, "running")
    assert await asyncio.wait_for(heard, 30) == history_id
    await wishes.aclose()  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType]


@pytest.mark.parametrize("status", [Status.FAILED, Status.COMPLETED, Status.EXPIRED])
async def test_what_has_ended_is_not_cancelled(member: Member, rows: Rows, status: Status) -> None:
    history_id = await member.submit()
    await rows.end(history_id, status)

    answer = await member.http.post(f"/download/{history_id}/cancel")

    assert answer.status_code == 409


@pytest.mark.parametrize("status", list(Status))
async def test_only_what_failed_or_was_cancelled_is_tried_again(
    member: Member, rows: Rows, status: Status
) -> None:
    history_id = await member.submit()
    await rows.end(history_id, status)

    answer = await member.http.post(f"/download/{history_id}/retry")

    if status in (Status.FAILED, Status.CANCELLED):
        assert (answer.status_code, answer.json()["status"]) == (202, "queued")
        assert answer.json()["error"] is None
    else:
        assert (answer.status_code, answer.json()["code"]) == (409, "conflict")


async def test_no_answer_names_what_is_ours(member: Member, rows: Rows, tmp_path: Path) -> None:
    history_id = await member.submit()
    await rows.run(history_id, Stage.CHECKSUM)

    one = await member.http.get(f"/download/{history_id}")
    page = await member.http.get("/user/history")

    for text in (one.text, page.text):
        assert not any(word in text for word in ("storage_node", str(tmp_path), "epoch", "claim"))
