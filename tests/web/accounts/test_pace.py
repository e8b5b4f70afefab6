"""How often an account may do what is written into the audit trail and has no other bound."""

import asyncio
from collections.abc import Callable

import httpx
import pytest

from tests.web.conftest import Join, Member, Site
from web.accounts.pace import CHANGES_PER_MINUTE, TICKETS_PER_MINUTE, Pace
from web.problems import ProblemError

TICKET = "/download/file-ticket"
SECRET = "/user/webhook-secret"
KEYS = "/auth/keys"


def exhaust(count: Callable[[int], None], user_id: int) -> int:
    """Do something until it is refused; return how often it was not."""
    done = 0
    while done < 10_000:
        try:
            count(user_id)
        except ProblemError:
            break
        done += 1
    return done


def test_a_minutes_worth_may_come_at_once_and_each_kind_counts_by_itself() -> None:
    pace = Pace()

    assert exhaust(pace.ticket, 1) >= TICKETS_PER_MINUTE
    assert exhaust(pace.change, 1) >= CHANGES_PER_MINUTE
    assert exhaust(pace.change, 2) >= CHANGES_PER_MINUTE


@pytest.mark.parametrize(
    ("kind", "asked", "body"),
    [
        ("change", f"POST {SECRET}", None),
        ("change", f"POST {KEYS}", {"name": "cron", "scopes": ["read"]}),
        ("change", f"DELETE {KEYS}/1", None),
        ("ticket", f"POST {TICKET}", {"history_id": 1}),
        ("ticket", "POST /download/archive-ticket", {"history_ids": [1, 2]}),
    ],
)
async def test_a_flood_is_refused_and_others_are_not(
    site: Site, member: Member, join: Join, kind: str, asked: str, body: object
) -> None:
    other = await join()
    method, path = asked.split()
    pace = site.front.pace
    exhaust(pace.change if kind == "change" else pace.ticket, member.user_id)

    async def ask(http: httpx.AsyncClient) -> httpx.Response:
        return await http.request(method, path, json=body)

    # What time gives back while they are on their way lets some of them in.
    answers = await asyncio.gather(*(ask(member.http) for _ in range(30)))
    theirs = await ask(other.http)

    refused = [answer for answer in answers if answer.status_code == 429]
    assert refused
    assert {answer.json()["code"] for answer in refused} == {"rate_limited"}
    assert all(int(answer.headers["Retry-After"]) >= 1 for answer in refused)
    assert theirs.status_code in (201, 403)
