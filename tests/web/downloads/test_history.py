import base64

import pytest

from domain.states import Status
from tests.web.conftest import Join, Member, Site
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
        "&".join(f"a{n}=1" for n in range(30)), "status=1", "status=", "status=Completed",
        "status=completed&status=failed", "mode=quick", "mode=", "q=", "q=" + "x" * 201, "q=%00",
        "q=a%0Ab", "user_id=1", "node=node-a", "q[]=x",
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


async def titled(member: Member, rows: Rows, *titles: str) -> list[int]:
    """Let a user have downloads of these titles, one after the other."""
    ids: list[int] = []
    for number, title in enumerate(titles):
        ids.append(await member.submit(f"https://example.com/watch_{number}?v=100%25"))
        await rows.set(ids[-1], f"title = $title${title}$title$")
    return ids


async def found(member: Member, **query: str) -> list[int]:
    """Return the ids of all pages of a query."""
    ids: list[int] = []
    cursor: dict[str, str] = {}
    while True:
        answer = await member.http.get("/user/history", params=query | cursor)
        assert answer.status_code == 200, answer.text
        ids += [item["history_id"] for item in answer.json()["items"]]
        if answer.json()["next_cursor"] is None:
            return ids
        cursor = {"cursor": answer.json()["next_cursor"]}


@pytest.mark.parametrize(
    ("q", "wanted"),
    [
        ("FÜCHSE", [0]), ("füchse", [0]), ("日本", [3]), ("WATCH_2", [2]), ("100% real", [1]),
        ("100%", [3, 2, 1, 0]), ("%", [3, 2, 1, 0]), ("_", [3, 2, 1, 0]), ("a_b", [2]),
        ("\\", [3]), ("c:\\d", [3]), ("example.com/watch", [3, 2, 1, 0]),
        *((strange, list[int]()) for strange in ("a%b", "' OR 1=1 --", "$1", ":user_id", "\\%")),
    ],
)  # fmt: skip
async def test_a_search_takes_every_character_for_itself(
    member: Member, rows: Rows, q: str, wanted: list[int]
) -> None:
    ids = await titled(member, rows, "Die Füchse", "100% real", "a_b", "c:\\d 日本")

    assert await found(member, q=q) == [ids[number] for number in wanted]


async def test_filters_narrow_and_their_pages_join_without_gaps(
    member: Member, join: Join, rows: Rows
) -> None:
    await rows.ask(
        "INSERT INTO download_history (user_id, url, mode, status, title) "
        f"SELECT {member.user_id}, 'https://example.com/' || n, "
        "CASE WHEN n % 2 = 0 THEN 'archive' ELSE 'quick_download' END, n % 7, 'film ' || n "
        "FROM generate_series(1, 100) n"
    )
    other = await join()
    await titled(other, rows, "film 5")
    everything = (await member.http.get("/user/history?limit=100")).json()["items"]

    for status in (None, "failed", "completed"):
        for mode in (None, "archive"):
            for q in (None, "FILM 1"):
                query = {k: v for k, v in (("status", status), ("mode", mode), ("q", q)) if v}
                assert await found(member, limit="3", **query) == [
                    item["history_id"]
                    for item in everything
                    if status in (None, item["status"])
                    and mode in (None, item["mode"])
                    and (q is None or q.lower() in item["title"])
                ]


async def test_a_cursor_is_good_for_its_filters_alone(member: Member) -> None:
    for _ in range(3):
        await member.submit()
    query = "limit=1&status=queued&mode=archive&q=example"
    cursor = (await member.http.get(f"/user/history?{query}")).json()["next_cursor"]

    others = ["", "status=queued", "status=failed&mode=archive&q=example", query + "s"]
    answers = [await member.http.get(f"/user/history?cursor={cursor}&{q}") for q in others]

    assert {answer.status_code for answer in answers} == {422}
    assert (await member.http.get(f"/user/history?cursor={cursor}&{query}")).status_code == 200


async def test_a_deleted_record_is_on_no_page(member: Member) -> None:
    kept, gone = await member.submit(), await member.submit()
    await member.http.delete(f"/user/history/{gone}")

    assert await found(member) == [kept]
    assert await found(member, q="example") == [kept]
    assert await found(member, mode="archive") == [kept]


async def test_a_user_is_told_the_numbers(member: Member, rows: Rows, site: Site) -> None:
    kept, failed, hidden = [await member.submit() for _ in range(3)]
    await rows.finish(kept, b"x" * 100, user_id=member.user_id)
    await rows.end(failed, Status.FAILED)
    await member.http.delete(f"/user/history/{hidden}")
    await site.front.services.db.raw(
        f"INSERT INTO delivery_counts VALUES ({member.user_id}, {kept}, 3, 250)"
    )

    told = (await member.http.get("/user/stats")).json()

    assert told.pop("since").endswith("Z")
    assert told == {
        "downloads": {
            "failed": 1, "completed": 1, "expired": 0, "pending_cleanup": 0, "queued": 0,
            "running": 0, "cancelled": 0,
        },
        "bytes_kept": 100, "bytes_delivered": 250, "transfers": 3,
    }  # fmt: skip
