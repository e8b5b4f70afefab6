"""One user and one node's view of the rows."""

from collections.abc import AsyncGenerator

import pytest

from domain.download import User
from storage.db import Db
from storage.downloads import Downloads
from storage.due import Due
from storage.nodes import Nodes
from storage.quotas import Quotas
from storage.users import Users
from tests.storage.books import SMALL

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
def quotas(db: Db) -> Quotas:
    return Quotas(db, SMALL)


@pytest.fixture
def small(db: Db, downloads: Downloads) -> Downloads:
    del downloads  # It has let the node beat.
    return Downloads(db, node="node-a", allowance=SMALL)
