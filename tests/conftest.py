"""Real parts for every test: one PostgreSQL and one Valkey a session, a fresh database a test."""

import itertools
import os
import time
from collections.abc import AsyncGenerator, Callable, Generator
from pathlib import Path
from typing import TypeVar, cast

import pytest
from hypothesis import settings

from storage.db import Db
from tests.support.parts import MissingPartError
from tests.support.postgres import Postgres
from tests.support.rabbit import Rabbit
from tests.support.site import Site
from tests.support.valkey import Valkey
from tests.support.waiting import eventually_sync

SCHEMA = Path(__file__).parents[1] / "schema.sql"
_numbers = itertools.count(1)

# The same examples each time, for however long the machine takes: a failure is a fault of ours.
settings.register_profile("suite", deadline=None, derandomize=True, database=None)
settings.load_profile("suite")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--examples", type=int, default=100, help="requests of each kind to the API")


@pytest.fixture
def examples(request: pytest.FixtureRequest) -> int:
    return cast("int", request.config.getoption("--examples"))


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


@pytest.fixture(scope="session")
def rabbit() -> Generator[Rabbit]:
    with installed(Rabbit) as server:
        yield server


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Generator[Site]:
    media = tmp_path_factory.mktemp("media")
    with Site(media) as site:
        yield site


Part = TypeVar("Part")


def installed(part: Callable[[], Part]) -> Part:
    """Return what needs a package of Debian's; without it skip, but fail where CI is set."""
    try:
        return part()
    except MissingPartError as missing:
        if os.environ.get("CI") == "true":  # noqa: TID251 - the one place that asks
            raise
        pytest.skip(str(missing))


@pytest.fixture
def one_day() -> None:
    """Do not begin to count what belongs to a day in its last minute, by UTC as the quotas do."""
    eventually_sync(lambda: 0 < time.time() % 86_400 < 86_340, timeout_s=90, what="midnight")


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
