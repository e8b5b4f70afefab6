"""Real parts for every test: one PostgreSQL and one Valkey a session, a fresh database a test."""

import itertools
from collections.abc import AsyncGenerator, Generator
from pathlib import Path

import pytest
from tests.support.postgres import Postgres
from tests.support.valkey import Valkey

from storage.db import Db

SCHEMA = Path(__file__).parents[1] / "schema.sql"
_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def postgres() -> Generator[Postgres]:
    with Postgres() as server:
        server.create_database("vasset_template")
        server.run_sql(SCHEMA.read_text(encoding="utf-8"), database="vasset_template")
        yield server


@pytest.fixture(scope="session")
def valkey() -> Generator[Valkey]:
    with Valkey() as server:
        yield server


@pytest.fixture
def database_url(postgres: Postgres) -> Generator[str]:
    """The address of an empty database with our schema."""
    name = f"test_{next(_numbers)}"
    yield postgres.create_database(name, template="vasset_template")
    postgres.drop_database(name)


@pytest.fixture
async def db(database_url: str) -> AsyncGenerator[Db]:
    door = Db(database_url)
    await door.open()
    yield door
    await door.close()
