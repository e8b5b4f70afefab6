"""A running server for the client, reached through a meddler."""

from collections.abc import Generator
from pathlib import Path

import httpx
import pytest

from tests.support.meddler import Meddler
from tests.support.program import Program
from tests.support.terminal import Shell

ADA = {"email": "ada@example.com", "password": "correct horse battery"}
OPEN_LOOPBACK = {"VASSET_EGRESS__ALLOW_PRIVATE": '["127.0.0.0/8"]'}


class Server:
    """A running `up`, reached through a meddler."""

    def __init__(self, folder: Path) -> None:
        self.data = folder / "data"
        self.program = Program(self.data, OPEN_LOOPBACK)
        self.program.wait_until_ready()
        self.meddler = Meddler(self._port())

    def restart(self) -> None:
        self.program.stop()
        self.program = Program(self.data, OPEN_LOOPBACK)
        self.program.wait_until_ready()
        self.meddler.upstream = self._port()

    def _port(self) -> int:
        return int(self.program.url.rpartition(":")[2])


@pytest.fixture(scope="package")
def server(tmp_path_factory: pytest.TempPathFactory) -> Generator[Server]:
    server = Server(tmp_path_factory.mktemp("server"))
    with server.meddler:
        httpx.post(
            f"{server.meddler.url}/api/v1/auth/register", json=ADA, timeout=30
        ).raise_for_status()
        yield server
    server.program.stop()


@pytest.fixture(scope="package")
def key(server: Server) -> str:
    http = httpx.Client(base_url=f"{server.meddler.url}/api/v1", timeout=30)
    with http:
        token = http.post("/auth/login", json=ADA).json()["access_token"]
        wanted = {"name": "tests", "scopes": ["read", "submit", "deliver"]}
        bearer = {"Authorization": f"Bearer {token}"}
        return str(http.post("/auth/keys", json=wanted, headers=bearer).json()["key"])


@pytest.fixture
def meddler(server: Server) -> Generator[Meddler]:
    server.meddler.requests.clear()
    yield server.meddler
    server.meddler.cuts_after, server.meddler.spoils, server.meddler.diverts_to = None, False, ""


@pytest.fixture
def shell(tmp_path: Path, meddler: Meddler, key: str) -> Shell:
    """Somebody who has a key for the server."""
    return Shell(tmp_path, VASSET_URL=meddler.url, VASSET_KEY=key)
