"""A database whose clock a test moves."""

from collections.abc import Generator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Final

from storage.db import Db
from tests.support.postgres import Postgres

START: Final = datetime(2026, 11, 23, 12, tzinfo=UTC)
# A name is looked up in the schemas in their order. PostgreSQL's own comes first only where the
# path does not say otherwise, so ours wins in statements, defaults and triggers alike.
_CLOCK: Final = f"""
CREATE SCHEMA fake;
CREATE TABLE fake.clock (moment timestamptz NOT NULL);
INSERT INTO fake.clock VALUES ('{START.isoformat()}');
CREATE FUNCTION fake.now() RETURNS timestamptz LANGUAGE sql STABLE
    AS 'SELECT moment FROM fake.clock';
CREATE FUNCTION fake.clock_timestamp() RETURNS timestamptz LANGUAGE sql STABLE
    AS 'SELECT moment FROM fake.clock';
"""


@contextmanager
def database_with_clock(postgres: Postgres, name: str, schema: str) -> Generator[str]:
    """Yield the address of a database with this schema, in ``fake``, whose clock is at START."""
    url = postgres.create_database(name)
    try:
        path = f"ALTER DATABASE {name} SET search_path = fake, pg_catalog, public;"
        postgres.run_sql(_CLOCK + path, database=name)
        postgres.run_sql(schema, database=name)
        yield url
    finally:
        postgres.drop_database(name)


class FakeClock:
    """The clock of a database that ``database_with_clock`` made."""

    def __init__(self, db: Db) -> None:
        self._db = db
        self.now = START

    async def set(self, moment: datetime) -> None:
        """Make ``now()`` and ``clock_timestamp()`` answer this moment."""
        self.now = moment
        await self._db.raw(f"UPDATE fake.clock SET moment = '{moment.isoformat()}'")
