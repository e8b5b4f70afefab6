"""The overview of administrators: true figures, whatever number of rows there are."""

from collections.abc import Awaitable, Callable
from datetime import date, timedelta
from typing import Any

import pytest

from domain.states import Stage
from tests.web.conftest import Member, Site
from tests.web.rows import Rows

pytestmark = pytest.mark.usefixtures("one_day")

Fail = Callable[..., Awaitable[None]]


@pytest.fixture
async def admin(member: Member, rows: Rows) -> Member:
    """An administrator of a database in which nothing has ended yet."""
    await rows.ask(f"UPDATE users SET role = 'admin' WHERE user_id = {member.user_id}")
    await rows.ask("DELETE FROM end_events; DELETE FROM end_counts")
    return member


@pytest.fixture
def end(admin: Member, rows: Rows) -> Fail:
    """Let a new download end, by legal moves."""

    async def end(status: int, site: str = "a.test", code: str | None = None) -> None:
        history_id = await admin.submit()
        error = f"'{code}'" if code else "NULL"
        await rows.ask(
            f"UPDATE download_history SET status = 5, site = '{site}' "
            f"WHERE history_id = {history_id};"
            f"UPDATE download_history SET status = {status}, error_code = {error} "
            f"WHERE history_id = {history_id}"
        )

    return end


async def overview(admin: Member) -> dict[str, Any]:
    answer = await admin.http.get("/admin/overview")
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_ends_are_added_up_by_day_code_and_site(
    site: Site, admin: Member, rows: Rows, end: Fail
) -> None:
    for status in (1, 3, 6):
        await end(status)
    for code in ("blocked", "timed_out", "timed_out"):
        await end(0, "b.test", code)
    await end(0, "a.test", "blocked")
    before = await overview(admin)

    await site.front.services.ends.fold()
    await end(0, "b.test", "timed_out")
    today = date.fromisoformat(before["days"][-1]["day"])
    old = [(timedelta(days=13), 5), (timedelta(days=7), 6), (timedelta(days=14), 7)]
    for age, number in old:
        await rows.ask(
            f"INSERT INTO end_counts VALUES ('{today - age}', 0, 'private', 'c.test', {number})"
        )
    await site.front.services.ends.forget()
    told = await overview(admin)

    assert before["days"][-1] == {
        "day": str(today), "completed": 2, "failed": 4, "cancelled": 1,
    }  # fmt: skip
    assert [day["failed"] for day in told["days"]] == [5, 0, 0, 0, 0, 0, 6, 0, 0, 0, 0, 0, 0, 5]
    assert told["days"][0]["day"] == str(today - timedelta(days=13))
    assert told["failed_codes"] == [
        {"code": "timed_out", "number": 3},
        {"code": "blocked", "number": 2},
    ]
    assert told["failed_sites"] == [
        {
            "site": "b.test",
            "number": 4,
            "codes": [{"code": "timed_out", "number": 3}, {"code": "blocked", "number": 1}],
        },
        {"site": "a.test", "number": 1, "codes": [{"code": "blocked", "number": 1}]},
    ]
    await site.front.services.ends.fold()
    # The age of what waits goes on.
    again = await overview(admin) | {"queued_oldest_s": told["queued_oldest_s"]}
    assert again == told
    assert await rows.ask("SELECT sum(number) FROM end_counts") == "19"


async def test_what_waits_and_runs_is_counted_by_its_stage(admin: Member, rows: Rows) -> None:
    before = await overview(admin)
    for stage in (Stage.FETCH, Stage.FETCH, Stage.RECORD):
        await rows.run(await admin.submit(), stage)
    await admin.submit()

    told = await overview(admin)

    def running(said: dict[str, Any]) -> dict[str, int]:
        return {entry["stage"]: entry["running"] for entry in said["stages"]}

    added = {stage: number - running(before)[stage] for stage, number in running(told).items()}
    assert added == {"acquire_proxy": 0, "fetch": 2, "checksum": 0, "record": 1}
    assert told["queued"] == before["queued"] + 1
    assert told["queued_oldest_s"] >= 0
