"""Webhooks as they are given at a submit: judged, told what the history shows, signed."""

import asyncio
import json

import pytest

from domain.states import Stage
from tests.web.conftest import Member, Site
from tests.web.hooking import HOOK, claimed, log, submit
from tests.web.rows import Rows

ENDS = (
    """status = 0, finished_at = now(), claim_until = NULL, error_code = 'timed_out',
       error_message = 'It took too long.', error_retryable = true""",
    """status = 4, finished_at = NULL, error_code = NULL""",
    """status = 5, started_at = now()""",
    """status = 3, finished_at = now(), expire_at = now(), file_name = 'a.mp4', file_size = 5,
       file_path = '/nowhere', file_hash = repeat('a', 32)""",
    """status = 2""",
)


@pytest.mark.parametrize(
    ("webhook", "code"),
    [
        ("http://hooks.example/", "forbidden_address"),
        ("https://169.254.169.254/latest", "forbidden_address"),
        ("https://127.0.0.1/", "forbidden_address"),
        ("https://hooks.example/" + "x" * 2_048, "invalid_url"),
        ("hooks.example", "invalid_url"),
        ("", "invalid_url"),
        (7, "invalid_request"),
        (["https://hooks.example/"], "invalid_request"),
    ],
)
async def test_an_address_that_may_not_be_told_is_refused_with_the_field(
    member: Member, rows: Rows, webhook: object, code: str
) -> None:
    before = await rows.count()
    batch = {"urls": ["https://example.com/v"], "mode": "archive", "webhook": webhook}

    answers = [
        await submit(member, webhook),
        await member.http.post("/download/batch", json=batch),
    ]

    for answer in answers:
        told = answer.json()
        assert (answer.status_code, told["code"]) == (422, code)
        assert [error["field"] for error in told["errors"]] == ["webhook"]
    assert await rows.count() == before


async def test_a_webhook_is_told_what_the_history_shows(
    site: Site, member: Member, rows: Rows
) -> None:
    history_id = int((await submit(member)).json()["history_id"])
    await rows.ask(
        "UPDATE download_history SET title = E'\\'日本語\\' \"🎬\" \\\\', duration_s = 12.5, "
        'warnings = \'[{"code": "subtitles_missing", "subject": "de", "message": "m"}]\', '
        "attempts = 2, thumbnail = 'https://example.com/t.jpg', started_at = now() "
        f"WHERE history_id = {history_id}"
    )
    await rows.run(history_id, Stage.RECORD)
    for assignments in ENDS:
        await rows.ask(f"UPDATE download_history SET {assignments} WHERE history_id = {history_id}")
        shown = (await member.http.get(f"/download/{history_id}")).json()
        del shown["runs"]
        if shown["status"] in ("queued", "running"):
            continue

        told = json.loads((await claimed(site, history_id)).message.body)

        assert told["data"] == shown
        assert list(told["data"]) == list(shown)


async def test_every_download_of_a_batch_is_told(member: Member) -> None:
    urls = [f"https://example.com/{number}" for number in range(3)] + ["nonsense"]
    body = {"urls": urls, "mode": "archive", "webhook": HOOK}
    batch = (await member.http.post("/download/batch", json=body)).json()

    await member.http.post(f"/download/batch/{batch['batch_id']}/cancel")

    items = await log(member, limit=2)
    ids = [each["history_id"] for each in batch["downloads"][:3]]
    assert sorted(item["history_id"] for item in items) == ids
    assert {item["event"] for item in items} == {"download.cancelled"}
    assert {item["url"] for item in items} == {HOOK}


async def test_many_first_submits_at_once_make_one_secret(member: Member) -> None:
    keyed = {"Idempotency-Key": "k"}
    body = {"url": "https://example.com/v", "mode": "archive", "webhook": HOOK}

    answers = await asyncio.gather(
        *(submit(member) for _ in range(10)),
        *(member.http.post("/download", json=body, headers=keyed) for _ in range(10)),
    )

    state = (await member.http.get("/user/webhook-secret")).json()
    assert {answer.status_code for answer in answers} == {202}
    assert len({answer.json()["history_id"] for answer in answers}) == 11
    assert state["exists"] is True


async def test_the_same_key_with_another_webhook_is_another_body(member: Member) -> None:
    body = {"url": "https://example.com/v", "mode": "archive"}
    keyed = {"Idempotency-Key": "k"}
    await member.http.post("/download", json=body | {"webhook": HOOK}, headers=keyed)

    answer = await member.http.post("/download", json=body, headers=keyed)

    assert answer.status_code == 422


async def test_a_secret_is_shown_once_and_kept_sealed(member: Member, rows: Rows) -> None:
    before = (await member.http.get("/user/webhook-secret")).json()
    first = await member.http.post("/user/webhook-secret")
    second = await member.http.post("/user/webhook-secret")
    after = await member.http.get("/user/webhook-secret")

    assert before == {"exists": False, "made_at": None, "previous_until": None}
    assert (first.status_code, first.json()["previous_until"]) == (201, None)
    assert second.json()["previous_until"] == after.json()["previous_until"] is not None
    assert after.json()["exists"] is True
    assert "whsec_" not in after.text
    kept = await rows.ask("SELECT string_agg(s::text, '') FROM webhook_secrets s")
    for answer in (first, second):
        assert answer.json()["secret"].startswith("whsec_")
        assert answer.json()["secret"] not in kept
