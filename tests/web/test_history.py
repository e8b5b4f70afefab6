import base64

import pytest

from tests.web.conftest import Join, Member
from tests.web.rows import Rows


async def test_pages_go_back_in_time_without_gaps_or_doubles(member: Member, rows: Rows) -> None:
    await rows.ask(
        "INSERT INTO download_history (user_id, url, mode) "
        f"SELECT {member.user_id}, 'https://example.com/' || n, 'archive' "
        "FROM generate_series(1, 25) n"
    )
    seen: list[int] = []
    cursor = ""

    while True:
        answer = await member.http.get(f"/user/history?limit=10{cursor}")
        seen += [item["history_id"] for item in answer.json()["items"]]
        # A newer one must not shift the pages that follow.
        await member.submit()
        if answer.json()["next_cursor"] is None:
            break
        cursor = f"&cursor={answer.json()['next_cursor']}"

    assert len(seen) == 25
    assert seen == sorted(set(seen), reverse=True)


async def test_only_ones_own_downloads_are_listed(member: Member, join: Join) -> None:
    mine = await member.submit()
    await (await join()).submit()

    page = (await member.http.get("/user/history")).json()

    assert [item["history_id"] for item in page["items"]] == [mine]
    assert page["next_cursor"] is None


async def test_a_full_last_page_has_no_next(member: Member) -> None:
    for _ in range(2):
        await member.submit()

    page = (await member.http.get("/user/history?limit=2")).json()

    assert (len(page["items"]), page["next_cursor"]) == (2, None)


@pytest.mark.parametrize(
    "query",
    [
        "limit=0", "limit=-1", "limit=101", "limit=1e9", "limit=", "limit=%D9%A3", "limit=%201",
        "limit=1&limit=2", "sort=password", "cursor=", "cursor=x", "cursor=" + "A" * 32,
        "&".join(f"a{n}=1" for n in range(30)),
    ],
)  # fmt: skip
async def test_a_query_that_is_not_understood_is_422(member: Member, query: str) -> None:
    answer = await member.http.get(f"/user/history?{query}")

    assert answer.status_code == 422, answer.text


async def test_a_cursor_is_its_users_and_cannot_be_changed(member: Member, join: Join) -> None:
    other = await join()
    for _ in range(2):
        await member.submit()
        await other.submit()
    cursor = (await member.http.get("/user/history?limit=1")).json()["next_cursor"]
    raw = bytearray(base64.urlsafe_b64decode(cursor))
    raw[7] ^= 1
    changed = base64.urlsafe_b64encode(raw).decode()

    answers = [
        await other.http.get(f"/user/history?cursor={cursor}"),
        await member.http.get(f"/user/history?cursor={changed}"),
    ]

    assert [answer.status_code for answer in answers] == [422, 422]
    assert (await member.http.get(f"/user/history?cursor={cursor}")).status_code == 200
