"""Finished downloads, and clients that take them in every way."""

import os
import socket
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from tests.conftest import installed
from tests.support.nginx import Nginx
from tests.support.postgres import Postgres
from tests.support.valkey import Valkey
from tests.web.conftest import Member, Site, register, serving, settings_for
from tests.web.rows import Rows

CONTENT = os.urandom(2_500_000)
LARGE = bytes(30_000_000)
"""More than the buffers of a connection hold, so that a client that does not read is waited for."""


def path_of(history_id: int) -> str:
    return f"/download/file?history_id={history_id}"


def descriptors() -> int:
    """Return how many descriptors this process has open, the server's among them."""
    return len(list(Path("/proc/self/fd").iterdir()))


@dataclass(frozen=True, slots=True, kw_only=True)
class Reader:
    """A user with finished files, and the server that keeps them."""

    site: Site
    member: Member
    rows: Rows

    @property
    def http(self) -> httpx.AsyncClient:
        return self.member.http

    @property
    def active(self) -> int:
        """How many transfers the server has."""
        return self.site.front.desk.admission.active

    async def file(self, content: bytes = CONTENT, *, name: str = "A film.mp4") -> int:
        """Return the id of a new finished download."""
        return (await self.placed(content, name=name))[0]

    async def placed(
        self, content: bytes = CONTENT, *, name: str = "A film.mp4", mode: str = "archive"
    ) -> tuple[int, Path]:
        """Return the id of a new finished download and where its file stands."""
        history_id = await self.member.submit(mode=mode)
        path = await self.rows.finish(history_id, content, user_id=self.member.user_id, name=name)
        return history_id, path

    @asynccontextmanager
    async def stalled(self, path: str) -> AsyncGenerator[socket.socket]:
        """Ask for something over a bare connection and read nothing of it."""
        connection = socket.create_connection(("127.0.0.1", self.site.port))
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
        connection.sendall(
            f"GET /api/v1{path} HTTP/1.1\r\nHost: x\r\n"
            f"Authorization: Bearer {self.member.token}\r\n\r\n".encode()
        )
        try:
            yield connection
        finally:
            connection.close()


def rows_of(site: Site, postgres: Postgres) -> Rows:
    url = site.settings.database.url.get_secret_value()
    return Rows(site.front.services, postgres, url)


@asynccontextmanager
async def reading(site: Site, postgres: Postgres) -> AsyncGenerator[Reader]:
    """Yield a new user of a served app."""
    async with httpx.AsyncClient(base_url=f"{site.url}/api/v1", timeout=30) as http:
        member = await register(http)
        yield Reader(site=site, member=member, rows=rows_of(site, postgres))


@pytest.fixture
async def direct(site: Site, postgres: Postgres) -> AsyncGenerator[Reader]:
    """A user whose files the web process sends."""
    async with reading(site, postgres) as reader:
        yield reader


@pytest.fixture(scope="session")
async def offloading(
    postgres: Postgres, valkey: Valkey, tmp_path_factory: pytest.TempPathFactory
) -> AsyncGenerator[tuple[Site, Nginx | None]]:
    """A served app that lets nginx send the files, and that nginx if it is installed."""
    url = postgres.create_database("offload", template="vasset_template")
    root = tmp_path_factory.mktemp("offload") / "root"
    settings = settings_for(url, valkey.url, root, delivery={"offload": "x-accel"})
    async with serving(settings) as site:
        try:
            nginx = installed(lambda: Nginx(site.port, root))
        except pytest.skip.Exception:
            yield site, None
        else:
            with nginx:
                yield site, nginx
    postgres.drop_database("offload")


def present(nginx: Nginx | None) -> Nginx:
    """Return the nginx if it is installed; without it skip, where CI is not set."""
    if nginx is None:
        pytest.skip("nginx is missing: apt-get install nginx-light")
    return nginx


@pytest.fixture(params=["direct", "nginx"])
async def reader(
    request: pytest.FixtureRequest,
    site: Site,
    offloading: tuple[Site, Nginx | None],
    postgres: Postgres,
) -> AsyncGenerator[Reader]:
    """A user whose files the web process sends, and one whose files nginx sends: all the same."""
    behind, nginx = offloading
    if request.param == "direct":
        async with reading(site, postgres) as reader:
            yield reader
    else:
        url = present(nginx).url
        async with reading(behind, postgres) as reader:
            reader.http.base_url = httpx.URL(f"{url}/api/v1/")
            yield reader
