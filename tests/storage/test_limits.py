"""What is over a limit stays a queued row; what is not goes on beside it."""

from dataclasses import replace
from datetime import timedelta

from domain.download import User
from domain.requests import Wish, site_of
from domain.states import Mode, Stage
from storage.db import Db
from storage.downloads import Downloads
from storage.due import Due
from storage.limits import Limited, Limits, Turns
from tests.storage.rows import claim_first

MANY = Turns(slots=50, per_user=50)
ONE_OF_A_SITE = replace(MANY, per_site=1)
TWO_A_MINUTE = replace(MANY, site_starts=2)
NO_PAUSE = timedelta(0)
A_WHILE = timedelta(minutes=5)


async def submit(downloads: Downloads, user: User, host: str) -> int:
    wish = Wish(url=f"https://{host}/v.mp4")
    return int((await downloads.submit(user.user_id, Mode.QUICK, wish))["history_id"])


async def is_claimed(downloads: Downloads, history_id: int, turns: Turns) -> bool:
    claim = await downloads.claim(history_id, Stage.ACQUIRE_PROXY, holder="h", turns=turns)
    return claim is not None


async def test_a_site_has_no_more_running_than_it_may(
    downloads: Downloads, due: Due, user: User
) -> None:
    first, second = [await submit(downloads, user, "a.example") for _ in range(2)]
    elsewhere = await submit(downloads, user, "b.example")

    assert await due.next_turns(ONE_OF_A_SITE) == [first, elsewhere]
    await claim_first(downloads, first, ONE_OF_A_SITE)

    assert not await is_claimed(downloads, second, ONE_OF_A_SITE)
    assert await due.next_turns(ONE_OF_A_SITE) == [elsewhere]
    assert await is_claimed(downloads, elsewhere, ONE_OF_A_SITE)


async def test_a_users_waiting_site_does_not_hide_the_next(
    downloads: Downloads, due: Due, db: Db, user: User
) -> None:
    for _ in range(9):
        await submit(downloads, user, "a.example")
    elsewhere = await submit(downloads, user, "b.example")
    await Limits(db).cool(Limited.SITE, "a.example", A_WHILE)

    turns = await due.next_turns(replace(MANY, per_user=2))

    assert turns == [elsewhere]


async def test_a_cool_down_costs_no_attempt_and_ends(
    downloads: Downloads, due: Due, db: Db, user: User
) -> None:
    history_id = await submit(downloads, user, "a.example")
    await Limits(db).cool(Limited.SITE, "a.example", A_WHILE)
    # A shorter one that comes later does not end the longer one.
    await Limits(db).cool(Limited.SITE, "a.example", NO_PAUSE)

    refused = await is_claimed(downloads, history_id, MANY)
    await db.raw("UPDATE limits SET cooling_until = now()")

    assert not refused
    assert await due.next_turns(MANY) == [history_id]
    assert (await claim_first(downloads, history_id, MANY)).attempt == 1


async def test_starts_are_counted_by_the_minute(
    downloads: Downloads, due: Due, db: Db, user: User
) -> None:
    ids = [await submit(downloads, user, "a.example") for _ in range(4)]

    began = [await is_claimed(downloads, one, TWO_A_MINUTE) for one in ids]
    await db.raw("UPDATE limits SET paid_until = paid_until - interval '31 s'")
    later = [await is_claimed(downloads, one, TWO_A_MINUTE) for one in ids[2:]]

    assert began == [True, True, False, False]
    assert later == [True, False]
    assert await due.next_turns(TWO_A_MINUTE) == []


async def test_a_provider_has_its_minute_too(downloads: Downloads, user: User) -> None:
    turns = replace(MANY, provider="http", provider_starts=1)
    ids = [await submit(downloads, user, host) for host in ("a.example", "b.example")]

    began = [await is_claimed(downloads, one, turns) for one in ids]

    assert began == [True, False]


async def test_a_limit_of_one_site_is_changed_while_all_run(
    downloads: Downloads, due: Due, db: Db, user: User
) -> None:
    ids = [await submit(downloads, user, "a.example") for _ in range(3)]
    limits = Limits(db)

    await limits.set(Limited.SITE, "a.example", max_active=1, max_starts=None)
    tight = await due.next_turns(MANY)
    await limits.set(Limited.SITE, "a.example", max_active=None, max_starts=2)
    for one in ids:
        await is_claimed(downloads, one, MANY)

    assert tight == ids[:1]
    assert [row["running"] for row in await limits.all()] == [2]


def test_a_site_is_the_host_without_its_usual_prefixes() -> None:
    hosts = ("https://www.A.example/x", "http://m.a.example:8080", "https://a.example./")

    assert {site_of(url) for url in hosts} == {"a.example"}
