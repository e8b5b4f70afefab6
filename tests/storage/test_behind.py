"""Who is behind a twin gets no turn till it ends, and gets one even if nobody told it."""

from dataclasses import replace

from domain.download import User
from domain.failures import SourceTroubleError
from domain.quotas import UNBOUNDED
from domain.states import Mode
from domain.twins import Share
from storage.batches import Batches
from storage.db import Db
from storage.downloads import Downloads
from storage.due import Due
from storage.limits import Turns
from storage.twins import Twins
from tests.storage.books import finish
from tests.storage.rows import WISH, claim_first, submit

MANY = Turns(slots=50, per_user=50, share=Share.USER)


async def test_a_file_frees_all_and_a_failure_the_next(
    downloads: Downloads, due: Due, db: Db, user: User
) -> None:
    first, second, third, fourth = [await submit(downloads, user) for _ in range(4)]
    assert await due.next_turns(MANY) == [first]

    await downloads.fail(await claim_first(downloads, first, MANY), SourceTroubleError())
    assert await due.next_turns(MANY) == [second]
    await finish(db, downloads, await claim_first(downloads, second, MANY), 9)

    assert await due.next_turns(MANY) == [third, fourth]


async def test_who_was_left_behind_is_found_by_the_sweep_and_nobody_else(
    downloads: Downloads, due: Due, db: Db, user: User
) -> None:
    first, second, third = [await submit(downloads, user) for _ in range(3)]
    await due.free_twins(MANY)
    assert await due.next_turns(MANY) == [first]
    # It ended just as the others came: each saw the other not.
    await db.raw(
        "ALTER TABLE download_history DISABLE TRIGGER download_history_ended;"
        f"UPDATE download_history SET status = 6 WHERE history_id = {first};"
        "ALTER TABLE download_history ENABLE TRIGGER download_history_ended"
    )
    assert await due.next_turns(MANY) == []

    await due.free_twins(MANY)

    assert await due.next_turns(MANY) == [second]
    await downloads.cancel(second, user.user_id)
    assert await due.next_turns(MANY) == [third]


async def test_nobody_is_behind_where_nothing_is_shared(
    downloads: Downloads, due: Due, db: Db, user: User
) -> None:
    twins = [await submit(downloads, user) for _ in range(3)]

    assert await due.next_turns(replace(MANY, share=Share.OFF)) == twins
    await Twins(db).disown(await claim_first(downloads, twins[0], MANY))

    # The next goes before the last, since they have their key.
    assert await due.next_turns(MANY) == [twins[1]]
    await db.raw("INSERT INTO site_cookies (site, sealed, number) VALUES ('example.com', '', 1)")
    twins.append(await submit(downloads, user))
    assert await due.next_turns(MANY) == twins[1:]


async def test_a_retry_is_behind_nobody(downloads: Downloads, due: Due, user: User) -> None:
    first, second = [await submit(downloads, user) for _ in range(2)]
    await downloads.cancel(second, user.user_id)
    await downloads.cancel(first, user.user_id)

    await downloads.retry(second, user.user_id)

    assert await due.next_turns(MANY) == [second]


async def test_in_a_batch_the_first_of_each_gets_a_turn(due: Due, db: Db, user: User) -> None:
    wishes = [replace(WISH, url=f"http://example.com/{n}.mp4") for n in (1, 1, 2, 1, 2)]
    async with db.transaction() as statements:
        made = await Batches(db, UNBOUNDED).submit(statements, user.user_id, Mode.QUICK, wishes)

    ids = [row["history_id"] for row in made.rows]
    assert await due.next_turns(MANY) == [ids[0], ids[2]]
