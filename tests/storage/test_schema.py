"""Bringing a database up to the schema while all runs."""

import asyncio
import re
from collections.abc import AsyncGenerator, Callable, Generator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

import pytest

from domain.quotas import Allowance
from domain.requests import Quality, Wish
from domain.states import Mode
from storage import schema
from storage.db import BusyError, Db, Session
from storage.downloads import Downloads
from storage.schema import take_apart
from storage.users import Users
from tests.conftest import SCHEMA
from tests.support.postgres import Postgres
from tests.support.waiting import eventually
from vasset.schema import migrate

ALLOWANCE = Allowance(
    daily_downloads=100, archive_bytes=10**12, active_downloads=100, reserve_bytes=1
)
LARGE = "download_history_searched"
STATE = (
    "SELECT coalesce((SELECT indisvalid FROM pg_index WHERE indexrelid = to_regclass('{}')), false)"
)
SHAPE = """
SELECT 'column', table_name, column_name, data_type, column_default FROM information_schema.columns
WHERE table_schema = 'public'
UNION ALL SELECT 'index', tablename, indexname, indexdef, '' FROM pg_indexes
WHERE schemaname = 'public'
UNION ALL SELECT 'trigger', tgrelid::regclass::text, tgname, pg_get_triggerdef(oid), ''
FROM pg_trigger WHERE NOT tgisinternal
ORDER BY 1, 2, 3
"""
WAITING = """
SELECT count(*) > 0 FROM pg_locks JOIN pg_database ON pg_database.oid = database
WHERE datname = current_database() AND relation = '{}'::regclass AND NOT granted
"""


Sql = Callable[[str], str]


@pytest.fixture
def sql(postgres: Postgres, database_url: str) -> Sql:
    """Ask the test's own database."""
    name = urlsplit(database_url).path[1:]
    return lambda statement: postgres.run_sql(statement, database=name)


@pytest.fixture
def empty_url(postgres: Postgres) -> Generator[str]:
    yield postgres.create_database("untouched")
    postgres.drop_database("untouched")


async def submit(db: Db) -> None:
    user = await Users(db).add("ada@example.com", password_hash="never compared here")
    user_id = user.user_id if user is not None else 1
    wish = Wish(url="https://example.com/v", quality=Quality.BEST)
    await Downloads(db, node="node-a", allowance=ALLOWANCE).submit(user_id, Mode.QUICK, wish)


@asynccontextmanager
async def held(url: str, script: str) -> AsyncGenerator[Session]:
    """Keep a transaction open that has run a script."""
    db = Db(url, max_size=1)
    await db.open()
    try:
        async with db.session() as session:
            await session.run("BEGIN")
            await session.run(script)
            yield session
            await session.run("ROLLBACK")
    finally:
        await db.close()


async def test_an_empty_database_gets_what_the_schema_says(
    postgres: Postgres, empty_url: str
) -> None:
    told: list[str] = []

    await migrate(empty_url, told.append)

    assert postgres.run_sql(SHAPE, "untouched") == postgres.run_sql(SHAPE, "vasset_template")
    assert told == []


def test_no_index_is_built_within_the_transaction() -> None:
    parts = take_apart(SCHEMA.read_text(encoding="utf-8"))

    assert parts.indexes
    assert not re.search("^(CREATE|DROP).* INDEX", parts.transaction, re.MULTILINE)


async def test_a_large_index_has_all_the_time_it_needs(database_url: str, db: Db, sql: Sql) -> None:
    await submit(db)
    sql(f"DROP INDEX {LARGE}")
    sql(
        "CREATE TABLE limits_seen (command text, statement_timeout text);"
        "CREATE FUNCTION see() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN"
        " INSERT INTO limits_seen VALUES (tg_tag, current_setting('statement_timeout')); END $$;"
        "CREATE EVENT TRIGGER seen ON ddl_command_start EXECUTE FUNCTION see();"
    )

    await migrate(database_url, lambda _line: None)

    seen = sql("SELECT DISTINCT statement_timeout FROM limits_seen WHERE command = 'CREATE INDEX'")
    assert seen == "0"
    assert sql(STATE.format(LARGE)) == "t"


async def test_what_a_dead_run_left_half_built_is_built_again(database_url: str, sql: Sql) -> None:
    told: list[str] = []
    sql("DROP INDEX audit_counted")
    sql("INSERT INTO audit (action, hour) SELECT 'x', 'epoch' FROM generate_series(1, 2)")
    index = next(one for one in take_apart(SCHEMA.read_text()).indexes if "counted" in one.name)
    with pytest.raises(RuntimeError, match="duplicate"):
        sql(index.statement)
    before = sql(STATE.format(index.name))
    sql("DELETE FROM audit WHERE audit_id = (SELECT max(audit_id) FROM audit)")

    await migrate(database_url, told.append)

    assert before == "f"
    assert sql(STATE.format(index.name)) == "t"
    assert any("half-built" in line for line in told)


async def test_downloads_are_accepted_while_two_migrate(
    database_url: str, db: Db, sql: Sql
) -> None:
    """An old snapshot keeps the index from being finished, for as long as the test wants."""
    told: list[str] = []
    await submit(db)
    sql(f"DROP INDEX {LARGE}")
    building = (
        "SELECT count(*) FROM pg_stat_progress_create_index WHERE phase LIKE 'waiting%'"
        " AND datname = current_database()"
    )

    async with held(database_url, "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ; SELECT 1"):
        migrating = [asyncio.create_task(migrate(database_url, told.append)) for _ in range(2)]
        await eventually(lambda: sql(building) == "1", timeout_s=20, what="the index")
        await eventually(lambda: any("Another" in one for one in told), what="the second one")
        await submit(db)
    await asyncio.gather(*migrating)

    assert sql(STATE.format(LARGE)) == "t"
    assert sql("SELECT count(*) FROM download_history") == "2"
    assert sum("Building" in line for line in told) == 1


async def test_a_table_in_use_is_waited_for_a_little_at_a_time(database_url: str, db: Db) -> None:
    told: list[str] = []

    async with held(database_url, "LOCK TABLE users IN ACCESS SHARE MODE"):
        migrating = asyncio.create_task(migrate(database_url, told.append))
        await eventually(lambda: told, timeout_s=20, what="a try that was given up")
        await submit(db)
    await migrating

    assert "in use" in told[0]


async def test_a_writer_across_the_way_of_a_migration_is_not_ended(
    database_url: str, sql: Sql
) -> None:
    """Each holds what the other wants; PostgreSQL would end who has waited longer, the writer."""
    told: list[str] = []

    async with held(database_url, "LOCK TABLE download_history IN ROW EXCLUSIVE MODE") as writer:
        async with held(database_url, "LOCK TABLE users IN ACCESS SHARE MODE"):
            migrating = asyncio.create_task(migrate(database_url, told.append))
            await eventually(lambda: sql(WAITING.format("users")) == "t")
            wanted = writer.run("LOCK TABLE refresh_tokens IN ROW SHARE MODE")
            writing = asyncio.create_task(wanted)
            await eventually(lambda: writing.done() or sql(WAITING.format("refresh_tokens")) == "t")
        await writing
    await migrating

    assert any("in use" in line for line in told)


async def test_tables_that_stay_in_use_end_it_with_what_to_do(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[str] = []
    monkeypatch.setattr(schema, "MAX_TRIES", 3)

    async with held(database_url, "LOCK TABLE users IN ACCESS SHARE MODE"):
        with pytest.raises(BusyError, match="run `vasset migrate` again"):
            await migrate(database_url, told.append)

    assert told == ["The tables are in use; trying again."]
