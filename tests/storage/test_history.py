"""Searches that reach further than rows are looked at one by one."""

from datetime import timedelta

import pytest

from domain.download import User
from domain.states import Mode, Status
from storage.db import Db
from storage.history import Filters, History, Page

ALL = 2**62
PATIENT, AT_ONCE = timedelta(seconds=20), timedelta(milliseconds=1)


@pytest.fixture
async def filled(db: Db, user: User) -> User:
    """Six thousand downloads; one of a thousand failed, one has a name that no other has."""
    await db.raw(
        f"""
        INSERT INTO download_history (user_id, url, mode, status, title, storage_node)
        SELECT {user.user_id}, 'https://example.com/' || n, 'archive',
               CASE WHEN n % 1000 = 7 THEN 0 ELSE 1 END, 'film ' || md5(n::text), 'node-a'
        FROM generate_series(1, 6000) n;
        UPDATE download_history SET title = 'The Needle' WHERE url LIKE '%/100';
        ANALYZE download_history;
        """
    )
    return user


async def everything(history: History, wanted: Filters) -> tuple[list[int], int]:
    """Return the numbers in the addresses of all pages, and how many pages there were."""
    numbers: list[int] = []
    page, pages = Page(rows=[], before=ALL), 0
    while page.before is not None:
        page = await history.page(wanted, before=page.before, limit=10)
        numbers += [int(row["url"].rpartition("/")[2]) for row in page.rows]
        pages += 1
    return numbers, pages


async def test_the_index_finds_far_back_what_is_rare(db: Db, filled: User) -> None:
    history = History(db, reach=50, patience=PATIENT)

    for wanted, numbers in [
        (Filters(user_id=filled.user_id, q="needle"), [100]),
        (Filters(user_id=filled.user_id, q="needles"), []),
        (Filters(q="NEEDLE"), [100]),
        (Filters(user_id=filled.user_id, status=Status.FAILED, q="film"),
         [5007, 4007, 3007, 2007, 1007, 7]),
        (Filters(status=Status.FAILED), [5007, 4007, 3007, 2007, 1007, 7]),
        (Filters(status=Status.FAILED, mode=Mode.QUICK), []),
        (Filters(status=Status.FAILED, node="node-b"), []),
    ]:  # fmt: skip
        assert await everything(history, wanted) == (numbers, 1)


@pytest.mark.parametrize("q", ["le", "_", "needle"])
async def test_what_the_index_cannot_tell_in_time_is_found_by_going_on(
    db: Db, filled: User, q: str
) -> None:
    await db.raw("UPDATE download_history SET title = 'x_leneedle' WHERE url LIKE '%/200'")
    # Without the index the whole table has to be read, which takes longer than it may.
    await db.raw("DROP INDEX download_history_searched")
    history = History(db, reach=50, patience=AT_ONCE)

    numbers, pages = await everything(history, Filters(user_id=filled.user_id, q=q))

    assert {100, 200} & set(numbers) == ({200} if q == "_" else {100, 200})
    assert len(numbers) == len(set(numbers))
    assert pages > 50


async def test_anothers_rows_are_neither_walked_nor_found(db: Db, filled: User) -> None:
    history = History(db, reach=50, patience=PATIENT)
    stranger = filled.user_id + 1

    for wanted in (Filters(user_id=stranger, q="needle"), Filters(user_id=stranger, q="ne")):
        assert await everything(history, wanted) == ([], 1)
