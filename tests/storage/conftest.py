"""One user and one node's view of the rows."""

import pytest

from domain.download import User
from storage.db import Db
from storage.downloads import Downloads
from storage.due import Due
from storage.nodes import Nodes
from storage.users import Users

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
