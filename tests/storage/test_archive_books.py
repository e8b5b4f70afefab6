"""The books of an archive: what the rows say, whichever way they change."""

import asyncio
from collections.abc import Callable
from random import Random
from urllib.parse import urlsplit

import pytest

from domain.download import User
from storage.db import Db
from storage.downloads import Downloads
from storage.quotas import Quotas
from tests.storage.books import SMALL, begun, finish, numbers
from tests.support.postgres import Postgres
from vasset.schema import migrate

pytestmark = pytest.mark.usefixtures("one_day")

COUNTED = """
SELECT coalesce(sum(file_size), 0) FROM download_history
WHERE status = 1 AND file_removed_at IS NULL
"""
ADDED = """
INSERT INTO download_history (user_id, url, mode, status, file_size)
VALUES ({user_id}, 'https://example.com/', 'archive', {status}, {size}) RETURNING history_id
"""
CHANGES = (
    "UPDATE download_history SET status = 1 WHERE status = 5 AND history_id % 7 = {rest}",
    "UPDATE download_history SET status = 2 WHERE status = 3 AND history_id % 7 = {rest}",
    "UPDATE download_history SET file_size = {size} WHERE history_id % 7 = {rest}",
    "UPDATE download_history SET file_size = NULL WHERE history_id % 7 = {rest}",
    "UPDATE download_history SET file_removed_at = now() WHERE history_id % 7 = {rest}",
    "UPDATE download_history SET file_removed_at = NULL WHERE history_id % 7 = {rest}",
    "UPDATE download_history SET hidden_at = now() WHERE history_id % 7 = {rest}",
    "DELETE FROM download_history WHERE history_id % 11 = {rest}",
)

Sql = Callable[[str], str]


@pytest.fixture
def sql(postgres: Postgres, database_url: str) -> Sql:
    """Ask the test's own database."""
    name = urlsplit(database_url).path[1:]
    return lambda statement: postgres.run_sql(statement, database=name)


async def test_whatever_happens_to_a_row_is_in_the_books(
    sql: Sql, user: User, quotas: Quotas
) -> None:
    chance = Random(6)  # noqa: S311 - the same each time
    seen: set[int] = set()

    for _ in range(80):
        sql(
            chance.choice([ADDED] * 5 + [*CHANGES]).format(
                user_id=user.user_id,
                status=chance.choice([1, 1, 3, 5, 5]),
                size=chance.randrange(1 << 40),
                rest=chance.randrange(7),
            )
        )
        if chance.random() < 0.2:
            await quotas.fold()
        seen.add(int(sql(COUNTED)))
        assert (await quotas.of_user(user.user_id)).archive_used == int(sql(COUNTED))

    assert len(seen) > 25


async def test_nothing_is_lost_while_files_come_and_two_fold(
    other_db: Db, sql: Sql, user: User, quotas: Quotas
) -> None:
    others = Quotas(other_db, SMALL)

    async def come() -> None:
        for _ in range(30):
            await other_db.raw(ADDED.format(user_id=user.user_id, status=1, size=10))

    async def fold(own: Quotas) -> list[int]:
        seen: list[int] = []
        for _ in range(30):
            await own.fold()
            seen.append((await own.of_user(user.user_id)).archive_used)
        return seen

    _, _, seen, seen_by_others = await asyncio.gather(come(), come(), fold(quotas), fold(others))
    await quotas.fold()

    assert seen == sorted(seen)
    assert seen_by_others == sorted(seen_by_others)
    assert await numbers(quotas, user) == (0, 600, 0, 0)
    assert sql("SELECT count(*), sum(bytes), bool_and(is_folded) FROM archive_changes") == "1|600|t"


async def test_an_older_database_gets_its_books_once(
    database_url: str, db: Db, sql: Sql, user: User, quotas: Quotas, small: Downloads
) -> None:
    sql("DROP TABLE archive_changes")
    sql("DROP TRIGGER download_history_archived ON download_history")
    for size in (3, 4):
        sql(ADDED.format(user_id=user.user_id, status=1, size=size))

    await migrate(database_url, lambda _line: None)
    await migrate(database_url, lambda _line: None)
    claim = await begun(small, user)
    await finish(db, small, claim, 5)

    assert await numbers(quotas, user) == (1, 12, 0, 0)
