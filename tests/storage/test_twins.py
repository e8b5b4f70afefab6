"""Of twins one goes on and the others wait for it, but never for ever and never for each other."""

from dataclasses import replace
from datetime import timedelta

import pytest

from domain.download import Download, User
from domain.failures import SourceTroubleError
from domain.requests import Wish
from domain.states import Mode, Stage
from domain.twins import Share
from storage.db import Db
from storage.downloads import Downloads
from storage.due import Due
from storage.limits import Limited, Limits, Turns
from storage.nodes import Nodes
from storage.twins import Twins
from storage.users import Users
from tests.storage.books import finish
from tests.storage.rows import claim_first, submit

MANY = Turns(slots=50, per_user=50, share=Share.USER)
ALL = replace(MANY, share=Share.ALL)
LATER = timedelta(minutes=5)
AN_HOUR_LATER = (
    "UPDATE download_history SET woken_at = woken_at - interval '1 hour',"
    " finished_at = finished_at - interval '1 hour'"
)


async def got(
    downloads: Downloads, history_id: int, turns: Turns = MANY, stage: Stage = Stage.ACQUIRE_PROXY
) -> Download | None:
    return await downloads.claim(history_id, stage, holder="h", turns=turns)


async def linked(downloads: Downloads, history_id: int, turns: Turns = MANY) -> int | None:
    claim = await claim_first(downloads, history_id, turns)
    return claim.linked_from


async def finished(db: Db, downloads: Downloads, user: User, mode: Mode = Mode.QUICK) -> int:
    claim = await claim_first(downloads, await submit(downloads, user, mode))
    await finish(db, downloads, claim, 9)
    return claim.history_id


@pytest.fixture
async def node_b(db: Db) -> Downloads:
    await Nodes(db).beat("node-b", "", sandbox="full")
    return Downloads(db, node="node-b")


@pytest.fixture
async def bob(db: Db) -> User:
    bob = await Users(db).add("bob@example.com", password_hash="")
    assert bob is not None
    return bob


async def test_the_first_goes_on_and_what_waits_hides_nothing_behind_it(
    downloads: Downloads, due: Due, user: User
) -> None:
    twins = [await submit(downloads, user) for _ in range(9)]
    elsewhere = Wish(url="https://b.example/v.mp4")
    other = (await downloads.submit(user.user_id, Mode.QUICK, elsewhere))["history_id"]
    two = replace(MANY, per_user=2)

    assert await due.next_turns(two) == [twins[0], other]
    assert await got(downloads, twins[1], two) is None
    assert await got(downloads, twins[0], two) is not None
    assert await got(downloads, twins[1], two) is None
    assert await due.next_turns(two) == [other]


async def test_who_waits_is_free_when_the_leader_fails_or_is_to_be_cancelled(
    downloads: Downloads, due: Due, user: User
) -> None:
    first, second, third = [await submit(downloads, user) for _ in range(3)]
    leader = await claim_first(downloads, first, MANY)
    assert await downloads.fail(leader, SourceTroubleError())
    assert await due.next_turns(MANY) == [second]

    await claim_first(downloads, second, MANY)
    await downloads.cancel(second, user.user_id)
    await due.free_twins(MANY)

    assert await due.next_turns(MANY) == [third]
    assert await linked(downloads, third) is None


async def test_a_leader_between_two_attempts_is_waited_for(
    downloads: Downloads, due: Due, user: User
) -> None:
    first, second = [await submit(downloads, user) for _ in range(2)]
    leader = await claim_first(downloads, first, MANY)
    await downloads.put_back(leader, error=SourceTroubleError(), delay=LATER)

    assert await due.next_turns(MANY) == []
    assert await got(downloads, second) is None


async def test_a_kept_file_is_linked_in_spite_of_every_limit_but_slots(
    downloads: Downloads, due: Due, db: Db, user: User
) -> None:
    kept = await finished(db, downloads, user)
    again = await submit(downloads, user)
    await Limits(db).cool(Limited.SITE, "example.com", LATER)
    await Limits(db).cool(Limited.PROVIDER, "none", LATER)
    one_start = replace(MANY, site_starts=1, provider_starts=1, per_site=0)

    assert await due.next_turns(one_start) == [again]
    assert await got(downloads, again, replace(one_start, slots=0)) is None
    assert await linked(downloads, again, one_start) == kept


async def test_the_newest_file_is_taken(downloads: Downloads, db: Db, user: User) -> None:
    newest = [await finished(db, downloads, user) for _ in range(3)][-1]

    assert await linked(downloads, await submit(downloads, user)) == newest


@pytest.mark.parametrize(
    "change",
    [
        "expire_at = now()",
        "hidden_at = now()",
        "file_fault = 'corrupt'",
        "twin_key = NULL",
        "storage_node = 'node-z'",
    ],
)
async def test_what_is_not_there_any_more_is_fetched(
    downloads: Downloads, due: Due, db: Db, user: User, change: str
) -> None:
    await finished(db, downloads, user)
    await db.raw(f"UPDATE download_history SET {change}")
    again = await submit(downloads, user)

    assert await due.next_turns(MANY) == [again]
    assert await linked(downloads, again) is None


async def test_what_was_fetched_with_cookies_or_may_be_shares_nothing(
    downloads: Downloads, db: Db, user: User
) -> None:
    claim = await claim_first(downloads, await submit(downloads, user))
    await Twins(db).disown(claim)
    await finish(db, downloads, claim, 9)
    assert await linked(downloads, await submit(downloads, user)) is None

    await db.raw("INSERT INTO site_cookies (site, sealed, number) VALUES ('example.com', '', 1)")
    assert await linked(downloads, await submit(downloads, user)) is None


async def test_users_share_only_where_all_do(downloads: Downloads, user: User, bob: User) -> None:
    mine, theirs = await submit(downloads, user), await submit(downloads, bob)
    # Neither runs: a queue of five hundred may be before the other's.
    await claim_first(downloads, theirs, ALL)

    assert await got(downloads, mine, ALL) is None
    assert await got(downloads, mine, MANY) is not None


async def test_users_link_only_where_all_do(
    downloads: Downloads, db: Db, user: User, bob: User
) -> None:
    kept = await finished(db, downloads, user)

    assert await linked(downloads, await submit(downloads, bob), MANY) is None
    assert await linked(downloads, await submit(downloads, bob), ALL) == kept


async def test_the_node_that_has_the_file_takes_it(
    downloads: Downloads, due: Due, node_b: Downloads, db: Db, user: User
) -> None:
    kept = await finished(db, downloads, user)
    again = await submit(downloads, user)

    assert await Due(db, node="node-b").next_turns(MANY) == []
    assert await got(node_b, again) is None
    assert await due.next_turns(MANY) == [again]
    assert await linked(downloads, again) == kept


@pytest.mark.parametrize(
    "away",
    [
        "UPDATE nodes SET draining = true WHERE node = 'node-a'",
        "UPDATE nodes SET heartbeat_at = now() - interval '61 s' WHERE node = 'node-a'",
        AN_HOUR_LATER,
    ],
    ids=["draining", "silent", "busy or without its disk"],
)
async def test_a_node_that_does_not_take_it_is_not_waited_for(
    downloads: Downloads, node_b: Downloads, db: Db, user: User, away: str
) -> None:
    await finished(db, downloads, user)
    again = await submit(downloads, user)
    assert await got(node_b, again) is None

    await db.raw(away)

    assert await Due(db, node="node-b").next_turns(MANY) == [again]
    assert await linked(node_b, again) is None


@pytest.mark.parametrize("column", ["draining = true", "heartbeat_at = now() - interval '61 s'"])
async def test_a_leader_on_a_node_that_goes_away_is_not_waited_for(
    downloads: Downloads, node_b: Downloads, db: Db, user: User, column: str
) -> None:
    first, second = [await submit(downloads, user) for _ in range(2)]
    await claim_first(downloads, first, MANY)
    assert await got(node_b, second) is None

    await db.raw(f"UPDATE nodes SET {column} WHERE node = 'node-a'")

    assert await got(node_b, second) is not None


async def test_two_that_run_already_do_not_wait_for_each_other(
    db: Db, downloads: Downloads, due: Due, user: User
) -> None:
    twins = [await submit(downloads, user) for _ in range(2)]
    off = replace(MANY, share=Share.OFF)
    for one in twins:
        await claim_first(downloads, one, off)
    # The node has stopped well and starts again, and its administrator has switched sharing on.
    await db.raw("UPDATE download_history SET claim_until = NULL")
    await due.drop_claims()

    for one in twins:
        assert await got(downloads, one) is not None
