"""A database that fails over, freezes, changes its schema, or stands behind a pooler."""

import asyncio
from collections.abc import Awaitable, Callable, Generator
from datetime import timedelta
from urllib.parse import urlsplit

import pytest

from domain.download import User
from domain.requests import Wish
from domain.states import Mode
from storage.db import DatabaseError, Db, Pooler, Row, Statements, TooSlowError
from storage.downloads import Downloads
from storage.users import Users
from tests.conftest import installed
from tests.support.pgbouncer import PgBouncer
from tests.support.postgres import Postgres
from tests.support.waiting import eventually
from vasset.faults import CommandError
from vasset.schema import migrate

HASH = "never compared here"
TAKEN = {"email": "taken@example.com", "password_hash": HASH}
SECOND = timedelta(seconds=1)


@pytest.fixture
def name(database_url: str) -> str:
    return urlsplit(database_url).path[1:]


@pytest.fixture
def frozen() -> Generator[Postgres]:
    """A server of its own, which a test may freeze."""
    with Postgres() as server:
        yield server
        server.resume()


def set_read_only(postgres: Postgres, name: str, value: str) -> None:
    """Let the sessions that are opened from now on read only, or not, and end none."""
    postgres.run_sql(f"ALTER DATABASE {name} SET default_transaction_read_only = {value}")


async def add(db: Db, email: str) -> User | None:
    """Write in a transaction, as a submit does."""
    return await Users(db).add(email, password_hash=HASH)


async def tried(db: Db, email: str) -> bool:
    try:
        return await add(db, email) is not None
    except DatabaseError:
        return False


async def test_a_session_from_when_the_server_was_read_only_is_used_no_more(
    postgres: Postgres, database_url: str, name: str
) -> None:
    set_read_only(postgres, name, "on")
    db = Db(database_url)
    await db.open()
    assert not await tried(db, "early@example.com")
    await asyncio.gather(*(db.all("server_examined") for _ in range(10)))
    set_read_only(postgres, name, "off")

    results = [await tried(db, f"{n}@example.com") for n in range(12)]

    await db.close()
    assert results.count(False) <= 1, "each session of the pool was refused once"
    assert all(results[1:])


async def test_what_an_operator_ends_is_opened_again(db: Db, postgres: Postgres, name: str) -> None:
    await add(db, "first@example.com")
    postgres.run_sql(
        f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'"
    )

    await eventually(lambda: tried(db, "second@example.com"))

    assert len(await Users(db).all()) == 2


async def test_the_host_that_takes_writes_is_found_again_after_each_switch(
    postgres: Postgres, frozen: Postgres
) -> None:
    postgres.create_database("switched", template="vasset_template")
    hosts = f"/nowhere,{frozen.folder},{postgres.folder}"
    url = f"postgresql://postgres@/switched?host={hosts}&target_session_attrs=read-write"
    frozen.pause()
    db = Db(url, limit=3 * SECOND)

    await db.open()
    row = await add(db, "ada@example.com")
    await db.close()
    postgres.drop_database("switched")

    assert row is not None


async def alone(db: Db) -> None:
    await db.one("server_examined")


async def together(db: Db) -> None:
    async with db.transaction() as statements:
        await statements.one("server_examined")


@pytest.mark.parametrize("ask", [alone, together])
async def test_a_frozen_server_is_given_up_and_used_again_when_it_thaws(
    frozen: Postgres, ask: Callable[[Db], Awaitable[None]]
) -> None:
    db = Db(frozen.url, max_size=2, limit=SECOND)
    await db.open()
    frozen.pause()

    # Far below the ten seconds of a statement and the thirty of a transaction.
    async with asyncio.timeout(9):
        results = await asyncio.gather(*(ask(db) for _ in range(6)), return_exceptions=True)
    frozen.resume()
    await eventually(lambda: answers(db))
    await db.close()

    assert {type(result) for result in results} == {DatabaseError}


async def answers(db: Db) -> bool:
    try:
        return await db.one("server_examined") is not None
    except DatabaseError:
        return False


async def test_a_server_that_freezes_in_a_transaction_is_given_up_too(frozen: Postgres) -> None:
    db = Db(frozen.url, limit=SECOND)
    await db.open()

    async def freeze_between() -> None:
        async with db.transaction() as statements:
            await statements.one("server_examined")
            frozen.pause()
            await statements.one("server_examined")

    async with asyncio.timeout(9):
        with pytest.raises(DatabaseError):
            await freeze_between()

    frozen.resume()
    await eventually(lambda: answers(db))
    await db.close()


async def test_a_change_of_the_schema_fails_no_submit(
    db: Db, downloads: Downloads, user: User, postgres: Postgres, name: str
) -> None:
    await submit(downloads, user)
    postgres.run_sql("ALTER TABLE download_history ADD COLUMN later text", database=name)

    row = await submit(downloads, user)

    assert row["later"] is None
    assert len(await db.all("downloads_watched", user_id=user.user_id, history_ids=[])) == 2


async def test_what_was_read_before_a_change_of_the_schema_must_still_be_so_after_it(
    db: Db, downloads: Downloads, user: User, postgres: Postgres, name: str
) -> None:
    await submit(downloads, user)
    other = await add(db, "eve@example.com")
    assert other is not None

    async def read_twice() -> None:
        async with db.transaction() as statements:
            await statements.one("users_by_id", user_id=other.user_id)
            postgres.run_sql(
                "ALTER TABLE download_history ADD COLUMN later text;"
                f"UPDATE users SET nickname = 'eve' WHERE user_id = {other.user_id}",
                database=name,
            )
            await submit(downloads, user, statements)

    with pytest.raises(DatabaseError, match="schema"):
        await read_twice()


async def submit(downloads: Downloads, user: User, statements: Statements | None = None) -> Row:
    wish = Wish(url="https://example.com/watch")
    return await downloads.submit(user.user_id, Mode.QUICK, wish, statements)


@pytest.mark.parametrize("mode", ["session", "transaction"])
async def test_behind_pgbouncer_everything_works_in_the_mode_that_is_set(
    postgres: Postgres, name: str, mode: str, other_db: Db
) -> None:
    with installed(lambda: PgBouncer(postgres, mode)) as pooler:
        db = Db(pooler.database_url(name), pooler=Pooler(mode), limit=3 * SECOND)
        await db.open()

        # More at once than there are sessions, so that they change hands between statements.
        made = await asyncio.gather(*(add(db, f"{n}@example.com") for n in range(60)))
        rows = await asyncio.gather(*(Users(db).all() for _ in range(60)))
        async with other_db.transaction() as first:
            await first.one("users_insert", **TAKEN, nickname=None, role="user")
            with pytest.raises(TooSlowError):
                await Users(db).add(**TAKEN)
        await db.close()

    assert all(made)
    assert {len(found) for found in rows} == {60}


async def test_pgbouncer_that_nobody_named_is_named_by_the_error(
    postgres: Postgres, name: str
) -> None:
    with installed(lambda: PgBouncer(postgres, "session")) as pooler:
        db = Db(pooler.database_url(name))

        with pytest.raises(DatabaseError, match=r"database\.pooler"):
            await db.open()


async def test_a_migration_does_not_go_through_shared_sessions(
    postgres: Postgres, name: str
) -> None:
    with (
        installed(lambda: PgBouncer(postgres, "transaction")) as pooler,
        pytest.raises(CommandError, match="session"),
    ):
        await migrate(pooler.database_url(name), print, Pooler.TRANSACTION)
