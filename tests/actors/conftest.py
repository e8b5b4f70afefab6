"""Stations on both brokers, and the site that they fetch from."""

import itertools
from collections.abc import AsyncGenerator, Generator
from pathlib import Path

import pytest

from storage.db import Db
from tests.support.archive import Archive
from tests.support.postgres import Postgres
from tests.support.rabbit import Rabbit
from tests.support.station import Station, open_station
from tests.support.valkey import Valkey

_numbers = itertools.count(1)


@pytest.fixture(params=["valkey", "rabbitmq"], scope="module")
def broker_url(request: pytest.FixtureRequest, valkey: Valkey) -> str:
    """The address of an empty broker of each kind."""
    if request.param == "valkey":
        return valkey.url.removesuffix("/0") + "/1"
    rabbit: Rabbit = request.getfixturevalue("rabbit")
    return rabbit.add_vhost(f"v{next(_numbers)}")


@pytest.fixture(scope="module")
def module_database_url(postgres: Postgres, broker_url: str) -> Generator[str]:
    del broker_url  # A database for each broker, so that their users do not meet.
    name = f"actors_{next(_numbers)}"
    yield postgres.create_database(name, template="vasset_template")
    postgres.drop_database(name)


@pytest.fixture(scope="module")
async def station(
    broker_url: str,
    module_database_url: str,
    valkey: Valkey,
    tmp_path_factory: pytest.TempPathFactory,
) -> AsyncGenerator[Station]:
    """A node with one worker, on one broker after the other."""
    environment = {
        "VASSET_DATABASE__URL": module_database_url,
        "VASSET_REDIS__URL": valkey.url,
        "VASSET_BROKER__URL": broker_url,
        "VASSET_DOWNLOADS__STALL_TIMEOUT_S": "2",
    }
    async with open_station(environment, tmp_path_factory.mktemp("station")) as station:
        await station.start_worker()
        yield station


@pytest.fixture
async def idle_station(
    database_url: str, valkey: Valkey, tmp_path: Path
) -> AsyncGenerator[Station]:
    """A node whose worker the test starts itself, with settings of its own."""
    environment = {
        "VASSET_DATABASE__URL": database_url,
        "VASSET_REDIS__URL": valkey.url,
        "VASSET_BROKER__URL": valkey.url.removesuffix("/0") + "/2",
    }
    async with open_station(environment, tmp_path) as station:
        yield station


@pytest.fixture
async def archive(db: Db, tmp_path: Path) -> Archive:
    """An empty archive of node-a, in a database of its own."""
    return await Archive.create(db, tmp_path / "root")
