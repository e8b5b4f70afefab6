"""Which video of a list a download is of: asked for, kept and answered."""

from typing import Any

import httpx
import pytest

from tests.web.conftest import Member
from tests.web.rows import Rows

PAGE = "https://example.com/post/7"
NAMED = {"index": 3, "id": "clip-3"}


async def submit(member: Member, **more: object) -> httpx.Response:
    body = {"url": PAGE, "mode": "quick_download"} | more
    return await member.http.post("/download", json=body)


async def submit_all(member: Member, urls: list[object]) -> list[dict[str, Any]]:
    body = {"urls": urls, "mode": "quick_download"}
    answer = await member.http.post("/download/batch", json=body)
    assert answer.status_code == 202, answer.text
    items: list[dict[str, Any]] = answer.json()["downloads"]
    return items


@pytest.mark.parametrize("entry", ["first", {"index": 3}, {"id": "日本 3"}, NAMED])
async def test_an_entry_is_kept_and_shown(member: Member, entry: object) -> None:
    answer = await submit(member, entry=entry, title="Third")

    history_id = answer.json()["history_id"]
    detail = (await member.http.get(f"/download/{history_id}")).json()
    page = (await member.http.get("/user/history", params={"q": "third"})).json()["items"]
    assert answer.status_code == 202, answer.text
    assert [one["entry"] for one in (answer.json(), detail, *page)] == [entry] * 3
    assert [one["title"] for one in (answer.json(), detail, *page)] == ["Third"] * 3


async def test_without_one_there_is_none(member: Member) -> None:
    shown = (await submit(member)).json()

    assert (shown["entry"], shown["title"]) == (None, None)


@pytest.mark.parametrize(
    "wrong",
    [
        {"entry": "last"},
        {"entry": {}},
        {"entry": {"index": 0}},
        {"entry": {"index": 100_001}},
        {"entry": {"index": True}},
        {"entry": {"index": None}},
        {"entry": {"id": ""}},
        {"entry": {"id": "x" * 201}},
        {"entry": {"id": "a\u202eb"}},
        {"entry": {"index": 1, "name": "x"}},
        {"entry": [1]},
        {"title": 7},
        {"title": "x" * 1_001},
    ],
)
async def test_a_wrong_one_is_refused(member: Member, wrong: dict[str, object]) -> None:
    answer = await submit(member, **wrong)

    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request")


async def test_a_title_is_cleaned_like_a_sites_own(member: Member) -> None:
    hostile = (await submit(member, title="gpj.\u202e\x07Third\r\n" + "x" * 900)).json()
    empty = (await submit(member, title="\u202e \n")).json()

    assert hostile["title"] == "gpj. Third " + "x" * 189
    assert empty["title"] is None


async def test_a_batch_takes_addresses_and_entries_in_one_order(member: Member) -> None:
    other = {"url": PAGE, "entry": {"index": 1}, "title": "First"}
    third = {"url": PAGE, "entry": NAMED}
    inside = {"url": "http://127.0.0.1/", "entry": {"index": 2}}

    told = await submit_all(member, [PAGE, other, inside, third])

    assert [(one["url"], one["entry"]) for one in told] == [
        (PAGE, None),
        (PAGE, {"index": 1}),
        ("http://127.0.0.1/", {"index": 2}),
        (PAGE, NAMED),
    ]
    assert [one.get("title") for one in told] == [None, "First", None, None]
    assert told[2]["error"]["code"] == "forbidden_address"


async def test_two_entries_of_one_page_wait_for_nobody_and_the_same_one_twice_does(
    member: Member, rows: Rows
) -> None:
    named = [{"url": PAGE, "entry": {"id": name}} for name in ("a", "b", "a")]
    placed = [{"url": PAGE, "entry": {"index": 1}}] * 2

    told = await submit_all(member, [*named, *placed])

    waits = [
        await rows.ask(
            f"SELECT behind_twin FROM download_history WHERE history_id = {one['history_id']}"
        )
        for one in told
    ]
    assert waits == ["f", "f", "t", "f", "f"]


async def test_a_retry_keeps_the_entry(member: Member) -> None:
    history_id = (await submit(member, entry=NAMED)).json()["history_id"]
    await member.http.post(f"/download/{history_id}/cancel")

    again = (await member.http.post(f"/download/{history_id}/retry")).json()

    assert (again["status"], again["entry"]) == ("queued", NAMED)


async def test_another_entry_is_another_body_for_a_key(member: Member) -> None:
    async def post(**more: object) -> httpx.Response:
        body = {"url": PAGE, "mode": "archive"} | more
        return await member.http.post("/download", json=body, headers={"Idempotency-Key": "k"})

    first = await post(entry={"index": 1})
    same = await post(entry={"index": 1})
    other = await post(entry={"index": 2})

    assert (same.status_code, same.text) == (first.status_code, first.text)
    assert other.status_code == 422
