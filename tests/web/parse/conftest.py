"""A worker that answers for all tests that leave it alone, and parts of a test's own."""

from collections.abc import AsyncGenerator, Generator
from pathlib import Path

import pytest

from tests.support.postgres import Postgres
from tests.support.shelf import Shelf
from tests.support.site import Site as Videos
from tests.support.valkey import Valkey
from tests.web.parse.served import Parsing, keys, served


@pytest.fixture(scope="package")
def videos(tmp_path_factory: pytest.TempPathFactory) -> Generator[Videos]:
    with Videos(tmp_path_factory.mktemp("media")) as clips:
        yield clips


@pytest.fixture
def shelf() -> Generator[Shelf]:
    """At a port of its own, so that nothing of it is known."""
    with Shelf() as running:
        yield running


@pytest.fixture(scope="package")
async def working(
    postgres: Postgres, valkey: Valkey, tmp_path_factory: pytest.TempPathFactory
) -> AsyncGenerator[Parsing]:
    """A worker that answers."""
    url = postgres.create_database("parsing", template="vasset_template")
    folder = tmp_path_factory.mktemp("parsing")
    async with served(url, keys(valkey, 7), folder) as parsing:
        await parsing.station.start_worker()
        yield parsing
    postgres.drop_database("parsing")


@pytest.fixture
async def parsing(database_url: str, valkey: Valkey, tmp_path: Path) -> AsyncGenerator[Parsing]:
    """No worker yet, a short deadline, one slot."""
    async with served(
        database_url, keys(valkey, 8), tmp_path, parse_timeout_s=4, parse_slots=1, parse_per_user=2
    ) as parsing:
        yield parsing
