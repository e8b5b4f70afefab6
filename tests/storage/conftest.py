"""One user and one node's view of the rows."""

from collections.abc import AsyncGenerator, Callable
from typing import Any
from urllib.parse import urlsplit

import pytest
from redis.asyncio import Redis

from domain.download import User
from storage.db import Db
from storage.downloads import Downloads
from storage.due import Due
from storage.nodes import Nodes
from storage.parses import Parses
from storage.quotas import Quotas
from storage.redis_door import connect
from storage.users import Users
from storage.webhook_secrets import WebhookSecrets
from storage.webhooks import Webhooks
from tests.storage.books import SMALL
from tests.storage.flights import MINUTE
from tests.storage.telling import Teller
from tests.support.postgres import Postgres
from tests.support.valkey import Valkey

HASH = "never compared here"


@pytest.fixture
async def user(db: Db) -> User:
    user = await Users(db).add("ada@example.com", password_hash=HASH)
    assert user is not None
    return user


@pytest.fixture
async def downloads(db: Db) -> Downloads:
    await Nodes(db).beat("node-a", "", sandbox="full")
    return Downloads(db, node="node-a")


@pytest.fixture
def due(db: Db) -> Due:
    return Due(db, node="node-a")


@pytest.fixture
async def other_db(database_url: str) -> AsyncGenerator[Db]:
    """The pool of another web process."""
    door = Db(database_url)
    await door.open()
    yield door
    await door.close()


@pytest.fixture
def waiting(postgres: Postgres, database_url: str) -> Callable[[], int]:
    """Tell how many connections of this database wait for a lock."""
    name = urlsplit(database_url).path[1:]
    sql = (
        "SELECT count(*) FROM pg_stat_activity "
        f"WHERE datname = '{name}' AND wait_event_type = 'Lock'"
    )
    return lambda: int(postgres.run_sql(sql))


@pytest.fixture
async def redis(valkey: Valkey) -> AsyncGenerator[Redis]:
    """An empty one, of these tests alone: others in this session keep theirs in the first."""
    client = connect(valkey.url.removesuffix("/0") + "/7")
    await client.flushdb()  # pyright: ignore[reportUnknownMemberType] - untyped keywords
    yield client
    await client.aclose()


@pytest.fixture
def quotas(db: Db) -> Quotas:
    return Quotas(db, SMALL)


@pytest.fixture
def small(db: Db, downloads: Downloads) -> Downloads:
    del downloads  # It has let the node beat.
    return Downloads(db, node="node-a", allowance=SMALL)


@pytest.fixture
def secrets(db: Db) -> WebhookSecrets:
    return WebhookSecrets(db, "s" * 32)


@pytest.fixture
def teller(db: Db, downloads: Downloads, secrets: WebhookSecrets, user: User) -> Teller:
    return Teller(db, downloads, Webhooks(db, secrets), user)


@pytest.fixture
async def flying(valkey: Valkey) -> AsyncGenerator[Redis]:
    """Redis for flights alone: workers of other tests take every one that they can reach."""
    client: Any = connect(valkey.url.removesuffix("/0") + "/6")
    await client.flushdb()
    yield client
    await client.aclose()


@pytest.fixture
def parses(flying: Redis) -> Parses:
    return Parses(flying, deadline=MINUTE, per_user=2)
