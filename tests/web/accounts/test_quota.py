"""What a user may use, over two served apps and one database."""

import asyncio
import math
from collections import Counter
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from domain.states import Status
from storage.quotas import lock
from tests.support.postgres import Postgres
from tests.support.waiting import eventually
from tests.web.conftest import Member, Serve, Site, register
from tests.web.pairs import pair
from tests.web.rows import Rows

pytestmark = pytest.mark.usefixtures("one_day")

POOL = 10
"""Connections that an app has to the database. Source: storage/db.py."""

VIDEO = {"url": "https://example.com/watch", "mode": "archive"}
QUICK = {"url": "https://example.com/watch", "mode": "quick_download"}


async def quota_of(member: Member) -> dict[str, dict[str, Any]]:
    answer = await member.http.get("/user/quota")
    assert answer.status_code == 200, answer.text
    told: dict[str, dict[str, Any]] = answer.json()
    return told


async def give(site: Site, member: Member, **limits: int | None) -> httpx.Response:
    """Lay limits on a member, as an administrator who is just that for a moment."""
    async with httpx.AsyncClient(base_url=f"{site.url}/api/v1", timeout=30) as client:
        admin = await register(client)
        await site.front.services.db.raw(
            f"UPDATE users SET role = 'admin' WHERE user_id = {admin.user_id}"
        )
        return await client.patch(f"/admin/users/{member.user_id}", json={"quota": limits})


async def test_a_new_user_has_what_the_settings_give(member: Member) -> None:
    told = await quota_of(member)

    resets_at = datetime.fromisoformat(told["daily_downloads"].pop("resets_at"))
    assert told == {
        "daily_downloads": {"limit": 100, "used": 0},
        "archive_bytes": {"limit": 107_374_182_400, "used": 0, "reserved": 0},
        "active_downloads": {"limit": 500, "used": 0},
    }
    assert (resets_at.hour, resets_at.minute, resets_at.tzinfo) == (0, 0, UTC)


async def test_what_is_accepted_is_told_and_what_is_cancelled_given_back(member: Member) -> None:
    history_id = await member.submit()
    taken = await quota_of(member)
    await member.http.post(f"/download/{history_id}/cancel")
    given_back = await quota_of(member)

    assert taken["active_downloads"]["used"] == taken["daily_downloads"]["used"] == 1
    assert taken["archive_bytes"]["reserved"] == 209_715_200
    assert given_back["active_downloads"]["used"] == given_back["archive_bytes"]["reserved"] == 0
    assert given_back["daily_downloads"]["used"] == 1


async def test_a_finished_file_is_counted_until_its_record_is_deleted(
    site: Site, member: Member, rows: Rows
) -> None:
    history_id = await member.submit()
    await rows.finish(history_id, b"x" * 250, user_id=member.user_id)
    kept = await quota_of(member)
    await member.http.delete(f"/user/history/{history_id}")
    await site.front.services.due.set_removed([history_id])

    assert kept["archive_bytes"] == {"limit": 107_374_182_400, "used": 250, "reserved": 0}
    assert (await quota_of(member))["archive_bytes"]["used"] == 0


@pytest.mark.parametrize("quota", ["daily_downloads", "active_downloads"])
async def test_of_a_hundred_at_once_over_two_apps_one_is_accepted(
    serve: Serve, postgres: Postgres, database_url: str, quota: str
) -> None:
    """They are let go when more of them wait for the user's lock than one app has connections.

    Without that lock nobody would wait, and by chance each might come after the other all the same.
    """
    database = urlsplit(database_url).path[1:]
    count = (
        "SELECT count(*) FROM pg_stat_activity"
        f" WHERE datname = '{database}' AND wait_event_type = 'Lock'"
    )

    async def are_waiting() -> bool:
        return int(await asyncio.to_thread(postgres.run_sql, count)) > POOL

    async with pair(serve, quota={quota: 2}) as both:
        await both.member.submit()
        async with both.site.front.services.db.transaction() as statements:
            await lock(statements, both.member.user_id)
            posts = [both.clients[n % 2].post("/download", json=VIDEO) for n in range(100)]
            asked = asyncio.gather(*posts)
            await eventually(are_waiting)
        answers = await asked
        used = (await quota_of(both.member))[quota]["used"]

    assert Counter(answer.status_code for answer in answers) == {202: 1, 429: 99}
    assert used == 2


async def test_what_is_beyond_is_refused_with_the_quota_and_a_time(
    site: Site, member: Member
) -> None:
    assert (await give(site, member, daily_downloads=1)).status_code == 200
    await member.submit()

    answer = await member.http.post("/download", json=VIDEO)

    told = answer.json()
    resets_at = (await quota_of(member))["daily_downloads"]["resets_at"]
    left = datetime.fromisoformat(resets_at) - datetime.now(UTC)  # noqa: TID251 - as the client sees it
    assert answer.status_code == 429
    assert (told["code"], told["quota"], told["limit"]) == ("quota_exceeded", "daily_downloads", 1)
    assert math.isclose(int(answer.headers["Retry-After"]), left.total_seconds(), abs_tol=60)


@pytest.mark.parametrize(
    ("limits", "quota"),
    [({"active_downloads": 0}, "active_downloads"), ({"archive_bytes": 0}, "archive_bytes")],
)
async def test_each_quota_says_its_name(
    site: Site, member: Member, limits: dict[str, int], quota: str
) -> None:
    await give(site, member, **limits)

    answer = await member.http.post("/download", json=VIDEO)

    assert (answer.status_code, answer.json()["quota"]) == (429, quota)
    assert int(answer.headers["Retry-After"]) > 0


async def test_a_full_archive_leaves_quick_downloads_alone(site: Site, member: Member) -> None:
    await give(site, member, archive_bytes=0)

    assert (await member.http.post("/download", json=QUICK)).status_code == 202


async def test_a_retry_is_refused_too(site: Site, member: Member, rows: Rows) -> None:
    history_id = await member.submit()
    await rows.end(history_id, Status.FAILED)
    await give(site, member, daily_downloads=1)

    refused = await member.http.post(f"/download/{history_id}/retry")
    await give(site, member, daily_downloads=None)
    accepted = await member.http.post(f"/download/{history_id}/retry")

    assert (refused.status_code, refused.json()["code"]) == (429, "quota_exceeded")
    assert accepted.status_code == 202


async def test_an_administrator_changes_one_limit_and_the_others_stay(
    site: Site, member: Member
) -> None:
    await give(site, member, daily_downloads=7, active_downloads=3)
    answer = await give(site, member, daily_downloads=None)

    told = answer.json()
    assert (told["user_id"], told["email"]) == (member.user_id, member.email)
    assert told["quota"]["daily_downloads"]["limit"] == 100
    assert told["quota"]["active_downloads"]["limit"] == 3


async def test_nobody_else_may(site: Site, member: Member) -> None:
    change = {"quota": {"daily_downloads": 1_000}}
    async with httpx.AsyncClient(base_url=f"{site.url}/api/v1", timeout=30) as stranger:
        without = await stranger.patch(f"/admin/users/{member.user_id}", json=change)
    answer = await member.http.patch(f"/admin/users/{member.user_id}", json=change)

    assert (without.status_code, answer.status_code) == (401, 403)
    assert (await quota_of(member))["daily_downloads"]["limit"] == 100


@pytest.mark.parametrize(
    "quota",
    [{"daily_downloads": -1}, {"archive_bytes": 10**16}, {"active_downloads": "5"}, {"bytes": 1}],
)
async def test_a_limit_that_is_none_is_422(
    site: Site, member: Member, quota: dict[str, Any]
) -> None:
    answer = await give(site, member, **quota)

    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request")


async def test_an_account_that_is_not_there_is_404(site: Site, member: Member) -> None:
    nobody = Member(user_id=999_999, email="", token="", refresh_token="", http=member.http)

    answer = await give(site, nobody, daily_downloads=1)

    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


async def test_books_are_of_their_owner_alone(
    member: Member, join: Callable[[], Awaitable[Member]]
) -> None:
    other = await join()
    await asyncio.gather(*(member.submit() for _ in range(3)))

    assert (await quota_of(other))["active_downloads"]["used"] == 0
