"""The quotas, on a real PostgreSQL: exact under races, and counted from what is there."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from domain.download import User
from domain.failures import SourceGoneError
from domain.quotas import UNBOUNDED, Allowance, Quota
from domain.states import Mode
from storage.batches import Batches
from storage.db import Db
from storage.downloads import Downloads
from storage.due import Due
from storage.quotas import QuotaError, Quotas, lock
from tests.storage.books import SMALL, begun, finish, numbers, submit
from tests.storage.rows import WISH
from tests.support.waiting import eventually

pytestmark = pytest.mark.usefixtures("one_day")


@pytest.mark.parametrize(
    "allowance",
    [
        replace(UNBOUNDED, daily_downloads=2),
        replace(UNBOUNDED, active_downloads=2),
        replace(UNBOUNDED, archive_bytes=20, reserve_bytes=10),
    ],
    ids=["daily", "active", "archive"],
)
async def test_of_a_hundred_at_once_the_last_place_goes_to_one(
    db: Db, other_db: Db, waiting: Callable[[], int], user: User, allowance: Allowance
) -> None:
    processes = [Downloads(one, node="node-a", allowance=allowance) for one in (db, other_db)]
    await submit(processes[0], user)

    # Held until as many wait as there are connections: these then go on in the same moment.
    async with db.transaction() as statements:
        await lock(statements, user.user_id)
        asked = [asyncio.create_task(submit(processes[n % 2], user)) for n in range(100)]
        await eventually(lambda: waiting() >= 19)
    made = await asyncio.gather(*asked)

    assert len([one for one in made if isinstance(one, int)]) == 1
    assert len(await processes[0].watched(user.user_id, [])) == 2


async def test_reservations_never_pass_the_limit(
    db: Db, other_db: Db, user: User, quotas: Quotas
) -> None:
    processes = [Downloads(one, node="node-a", allowance=SMALL) for one in (db, other_db)]

    made = await asyncio.gather(*(submit(processes[n % 2], user) for n in range(20)))

    # Three of 300 bytes, and one that got the 100 left.
    assert made.count(Quota.ARCHIVE_BYTES) == 16
    assert await numbers(quotas, user) == (4, 0, 1_000, 4)


async def test_users_do_not_share(db: Db, small: Downloads, user: User) -> None:
    await db.raw("INSERT INTO users (email, password_hash) VALUES ('b@example.com', '')")
    for _ in range(5):
        await submit(small, user, Mode.QUICK)

    other = replace(user, user_id=user.user_id + 1)

    assert await submit(small, user, Mode.QUICK) is Quota.ACTIVE_DOWNLOADS
    assert isinstance(await submit(small, other, Mode.QUICK), int)


async def test_a_quick_download_takes_nothing_of_the_archive(
    small: Downloads, user: User, quotas: Quotas
) -> None:
    await submit(small, user, Mode.QUICK)

    assert await numbers(quotas, user) == (1, 0, 0, 1)


@pytest.mark.parametrize("ending", ["failed", "cancelled", "cancelled while it waits"])
async def test_what_ends_without_a_file_gives_all_back_but_the_day(
    small: Downloads, user: User, quotas: Quotas, ending: str
) -> None:
    if ending == "cancelled while it waits":
        history_id = await submit(small, user)
        assert isinstance(history_id, int)
        await small.cancel(history_id, user.user_id)
    else:
        claim = await begun(small, user)
        await (
            small.fail(claim, SourceGoneError())
            if ending == "failed"
            else small.end_cancelled(claim)
        )

    assert await numbers(quotas, user) == (1, 0, 0, 0)


async def test_a_finished_file_counts_by_its_size_until_it_is_removed(
    db: Db, small: Downloads, due: Due, user: User, quotas: Quotas
) -> None:
    claim = await begun(small, user)
    await finish(db, small, claim, 250)
    kept = await numbers(quotas, user)

    await small.hide(claim.history_id, user.user_id)
    hidden = await numbers(quotas, user)
    await due.set_removed([claim.history_id])

    assert kept == hidden == (1, 250, 0, 0)
    assert await numbers(quotas, user) == (1, 0, 0, 0)


async def test_a_retry_counts_as_a_submit_does(
    small: Downloads, user: User, quotas: Quotas
) -> None:
    claim = await begun(small, user)
    await small.fail(claim, SourceGoneError())

    made = await asyncio.gather(*(small.retry(claim.history_id, user.user_id) for _ in range(8)))

    assert len([row for row in made if row is not None]) == 1
    assert await numbers(quotas, user) == (2, 0, 300, 1)


async def test_a_retry_without_room_leaves_the_row_as_it_is(
    small: Downloads, user: User, quotas: Quotas
) -> None:
    claim = await begun(small, user)
    await small.fail(claim, SourceGoneError())
    await quotas.set(user.user_id, {Quota.DAILY_DOWNLOADS: 1})

    with pytest.raises(QuotaError) as refused:
        await small.retry(claim.history_id, user.user_id)

    assert refused.value.quota is Quota.DAILY_DOWNLOADS
    assert await small.watched(user.user_id, []) == []
    assert await numbers(quotas, user) == (1, 0, 0, 0)


async def test_a_day_ends_at_midnight_utc(
    db: Db, small: Downloads, user: User, quotas: Quotas
) -> None:
    await quotas.set(user.user_id, {Quota.DAILY_DOWNLOADS: 1})
    await submit(small, user)
    full = await submit(small, user)
    books = await quotas.of_user(user.user_id)

    await db.raw("UPDATE quotas SET day = day - 1")
    next_day = await submit(small, user)

    assert full is Quota.DAILY_DOWNLOADS
    assert isinstance(next_day, int)
    assert (books.resets_at.hour, books.resets_at.minute) == (0, 0)
    assert timedelta(0) < books.resets_at - datetime.now(UTC) <= timedelta(days=1)  # noqa: TID251 - the database's day is the real one
    assert (await quotas.of_user(user.user_id)).daily_used == 1


async def test_a_clock_that_goes_back_brings_no_day_back(
    db: Db, small: Downloads, user: User, quotas: Quotas
) -> None:
    await submit(small, user)
    await db.raw("UPDATE quotas SET day = day + 1")

    await submit(small, user)

    assert (await quotas.of_user(user.user_id)).daily_used == 2


async def test_limits_of_ones_own_go_before_the_settings(user: User, quotas: Quotas) -> None:
    own = {Quota.DAILY_DOWNLOADS: 3, Quota.ARCHIVE_BYTES: 4}
    await quotas.set(user.user_id, own)
    await quotas.set(user.user_id, {Quota.ARCHIVE_BYTES: None})

    books = await quotas.of_user(user.user_id)

    assert (books.daily_limit, books.archive_limit, books.active_limit) == (3, 1_000, 5)
    assert await quotas.set(user.user_id + 1, own) is False


async def test_of_a_batch_the_first_are_taken(db: Db, user: User, quotas: Quotas) -> None:
    made = await Batches(db, SMALL).submit(db, user.user_id, Mode.QUICK, [WISH] * 7)

    assert [len(made.rows), made.refusal and made.refusal.quota] == [5, Quota.ACTIVE_DOWNLOADS]
    assert len({row["batch_id"] for row in made.rows}) == 1
    assert await numbers(quotas, user) == (5, 0, 0, 5)
