"""The same key and body again: the same answer, nothing twice. Source: reliability row UR-29."""

import asyncio
import json

import httpx
import pytest

from tests.web.conftest import Join, Member, Serve, Site
from tests.web.pairs import pair
from tests.web.rows import Rows

pytestmark = pytest.mark.usefixtures("one_day")

VIDEO: dict[str, object] = {"url": "https://example.com/watch", "mode": "archive"}
OTHER: dict[str, object] = {"url": "https://example.com/other", "mode": "archive"}
BATCH: dict[str, object] = {"urls": ["https://example.com/a", "nonsense"], "mode": "archive"}


async def post(
    member: Member, body: dict[str, object], key: str = "k", path: str = "/download"
) -> httpx.Response:
    return await member.http.post(path, json=body, headers={"Idempotency-Key": key})


async def number_of_rows(rows: Rows, member: Member) -> str:
    return await rows.ask(f"SELECT count(*) FROM download_history WHERE user_id = {member.user_id}")


def what(answer: httpx.Response) -> tuple[int, str, str | None]:
    return answer.status_code, answer.text, answer.headers.get("Location")


@pytest.mark.parametrize(("path", "body"), [("/download", VIDEO), ("/download/batch", BATCH)])
async def test_a_repeat_is_answered_as_at_first_whatever_came_of_it(
    member: Member, rows: Rows, path: str, body: dict[str, object]
) -> None:
    first = await post(member, body, path=path)
    told = first.json()
    history_id = (told["downloads"][0] if "downloads" in told else told)["history_id"]
    await member.http.post(f"/download/{history_id}/cancel")

    again = await post(member, dict(reversed(body.items())), path=path)

    assert first.status_code == 202
    assert first.headers["Location"].startswith("/api/v1/download/")
    assert what(again) == what(first)
    assert await number_of_rows(rows, member) == "1"


async def test_of_fifty_at_once_over_two_apps_one_row_is_made(serve: Serve) -> None:
    async with pair(serve) as both:
        answers = await asyncio.gather(
            *(
                both.clients[n % 2].post("/download", json=VIDEO, headers={"Idempotency-Key": "k"})
                for n in range(50)
            )
        )
        history = await both.member.http.get("/user/history")
        quota = await both.member.http.get("/user/quota")

    assert len({what(answer) for answer in answers}) == 1
    assert answers[0].status_code == 202
    assert len(history.json()["items"]) == 1
    assert quota.json()["daily_downloads"]["used"] == 1


async def test_another_body_with_the_same_key_is_422(member: Member, rows: Rows) -> None:
    await post(member, VIDEO)

    answers = [await post(member, OTHER), await post(member, BATCH, path="/download/batch")]

    assert [(a.status_code, a.json()["code"]) for a in answers] == [(422, "invalid_request")] * 2
    assert await number_of_rows(rows, member) == "1"


async def test_the_same_body_in_other_words_is_the_same(member: Member) -> None:
    first = await post(member, VIDEO)

    again = await member.http.post(
        "/download",
        content=json.dumps(VIDEO | {"quality": "best"}, indent=4),
        headers={"Idempotency-Key": "k", "Content-Type": "application/json"},
    )

    assert what(again) == what(first)


async def test_another_users_key_is_another_key(member: Member, join: Join) -> None:
    mine, theirs = await post(member, VIDEO), await post(await join(), OTHER)

    assert mine.status_code == theirs.status_code == 202
    assert mine.json()["history_id"] != theirs.json()["history_id"]


@pytest.mark.parametrize("key", ["", "x" * 256, "x" * 10_240, "a\tb", "a\x85b"])
async def test_what_is_no_key_is_422_and_leaves_nothing(
    member: Member, rows: Rows, key: str
) -> None:
    answer = await member.http.post(
        "/download", json=VIDEO, headers=[(b"Idempotency-Key", key.encode("latin-1"))]
    )

    assert answer.status_code == 422, answer.text
    assert await number_of_rows(rows, member) == "0"


async def test_two_keys_are_none(member: Member) -> None:
    answer = await member.http.post(
        "/download", json=VIDEO, headers=[("Idempotency-Key", "a"), ("Idempotency-Key", "b")]
    )

    assert answer.status_code == 422


async def test_the_longest_key_is_one(member: Member) -> None:
    assert (await post(member, VIDEO, "x" * 255)).status_code == 202


async def test_a_refusal_is_not_kept(site: Site, member: Member) -> None:
    quotas = site.front.services.db
    await quotas.raw(f"INSERT INTO quotas (user_id, daily_downloads) VALUES ({member.user_id}, 0)")
    refused = await post(member, VIDEO)
    await quotas.raw(f"UPDATE quotas SET daily_downloads = 1 WHERE user_id = {member.user_id}")

    assert refused.status_code == 429
    assert (await post(member, VIDEO)).status_code == 202


async def test_a_key_is_forgotten_after_a_day(member: Member, rows: Rows) -> None:
    first = await post(member, VIDEO)
    await post(member, VIDEO, "old")
    own = f"user_id = {member.user_id}"
    await rows.ask(f"UPDATE idempotency_keys SET made_at = made_at - interval '1 day' WHERE {own}")

    second = await post(member, OTHER)

    kept = await rows.ask(f"SELECT key FROM idempotency_keys WHERE {own}")
    assert first.json()["history_id"] != second.json()["history_id"]
    assert kept == "k"


async def test_a_key_without_its_download_cannot_be(site: Site, member: Member, rows: Rows) -> None:
    """What dies between the row and the key leaves neither: here the key cannot be written."""
    db = site.front.services.db
    await db.raw("ALTER TABLE idempotency_keys ADD CONSTRAINT none CHECK (key <> 'dies')")
    try:
        died = await post(member, VIDEO, "dies")
    finally:
        await db.raw("ALTER TABLE idempotency_keys DROP CONSTRAINT none")

    assert died.status_code == 503
    assert await number_of_rows(rows, member) == "0"
    assert (await post(member, VIDEO, "dies")).status_code == 202
