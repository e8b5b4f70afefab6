"""A web process as it is in production: uvicorn on a free port, over real parts."""

import asyncio
import contextlib
import itertools
import secrets
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import httpx
import pytest
import uvicorn
import uvloop
from quart import Quart

from runtime import settings_layers
from runtime.settings import Settings
from tests.support.ports import free_port
from tests.support.postgres import Postgres
from tests.support.valkey import Valkey
from tests.web.rows import Rows
from web import health
from web.accounts import logins
from web.delivery import admission, continuations, pacing
from web.downloads import submits
from web.front import EXTENSION, Front
from web.progress import sockets
from web.transport.serve import config

_names = itertools.count(1)
PASSWORD = "correct horse"


def pytest_asyncio_loop_factories() -> dict[str, Callable[[], asyncio.AbstractEventLoop]]:
    """Run these tests on the loop of production."""
    return {"uvloop": uvloop.new_event_loop}


class _Server(uvicorn.Server):
    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None]:
        """Leave the signals to the tests."""
        yield


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """A served app and its insides.

    Attributes:
        root: The node's storage root.
    """

    app: Quart
    port: int
    root: Path
    settings: Settings

    @property
    def front(self) -> Front:
        return cast("Front", self.app.extensions[EXTENSION])

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def socket_url(self) -> str:
        return f"ws://127.0.0.1:{self.port}/api/v1/ws/progress"


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """A registered user with a session."""

    user_id: int
    email: str
    token: str
    refresh_token: str
    http: httpx.AsyncClient

    async def submit(self, url: str = "https://example.com/watch", **more: object) -> int:
        body = {"url": url, "mode": "archive"} | more
        answer = await self.http.post("/download", json=body)
        assert answer.status_code == 202, answer.text
        return cast("int", answer.json()["history_id"])


Section = dict[str, object]
Serve = Callable[..., contextlib.AbstractAsyncContextManager[Site]]
Join = Callable[[], Awaitable[Member]]


def settings_for(database_url: str, redis_url: str, root: Path, **more: Section) -> Settings:
    values: dict[str, dict[str, object]] = {
        "server": {"port": free_port()},
        "database": {"url": database_url, "timeout_s": 30},
        "redis": {"url": redis_url},
        "broker": {"url": redis_url},
        "storage": {"root": str(root), "node": "node-a", "stop_ratio": 1.0},
        # All databases number their users from 1, and share one Valkey.
        "downloads": {"per_user_submits": 0},
        # All tests knock from one address; tests/web/accounts/logins has the limits as they are.
        "auth": {
            "secret": secrets.token_urlsafe(32),
            "login_attempts_per_account": 1_000,
            "login_attempts_per_address": 10_000,
            "registrations_per_address": 10_000,
        },
    }
    for section, table in more.items():
        values[section] = values.get(section, {}) | table
    return settings_layers.load({}, values)


@contextlib.asynccontextmanager
async def serving(settings: Settings) -> AsyncGenerator[Site]:
    plan = config(settings)
    plan.host, plan.port = settings.server.host, settings.server.port
    server = _Server(plan)
    running = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0.01)
        assert not running.done(), "the app did not start"
    site = Site(
        app=cast("Quart", plan.app),
        port=settings.server.port,
        root=settings.storage.root,
        settings=settings,
    )
    await asyncio.to_thread(site.front.services.files.prepare_root)
    try:
        yield site
    finally:
        server.should_exit = True
        await running


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wait for Redis, which is there, although this process and it have much else to do.

    A server that does not hear from it in time counts alone, and then two count for themselves.
    """
    for module in (admission, continuations, pacing, submits, logins):
        monkeypatch.setattr(module, "REDIS_TIMEOUT_S", 30)
    monkeypatch.setattr(health, "PATIENCE_S", 30)


@pytest.fixture
def unchecked(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let no socket look by itself whether its token still holds."""
    monkeypatch.setattr(sockets, "CHECK_EVERY_S", 3_600)


@pytest.fixture
def serve(database_url: str, valkey: Valkey, tmp_path: Path) -> Serve:
    """Serve the app with settings of the test's own, section by section."""

    def serve_with(**more: Section) -> contextlib.AbstractAsyncContextManager[Site]:
        return serving(settings_for(database_url, valkey.url, tmp_path / "root", **more))

    return serve_with


@pytest.fixture(scope="session")
async def site(
    postgres: Postgres, valkey: Valkey, tmp_path_factory: pytest.TempPathFactory
) -> AsyncGenerator[Site]:
    """One served app for all tests that need no settings of their own."""
    url = postgres.create_database("web", template="vasset_template")
    root = tmp_path_factory.mktemp("web") / "root"
    async with serving(settings_for(url, valkey.url, root)) as site:
        yield site
    postgres.drop_database("web")


def fresh_email() -> str:
    return f"user{next(_names)}@example.com"


@pytest.fixture
async def http(site: Site) -> AsyncGenerator[httpx.AsyncClient]:
    """A client without a token."""
    async with httpx.AsyncClient(base_url=f"{site.url}/api/v1", timeout=30) as client:
        yield client


@pytest.fixture
async def join(site: Site) -> AsyncGenerator[Join]:
    """Register and log in another user."""
    async with contextlib.AsyncExitStack() as stack:

        async def joined() -> Member:
            client = httpx.AsyncClient(base_url=f"{site.url}/api/v1", timeout=30)
            await stack.enter_async_context(client)
            return await register(client)

        yield joined


async def register(client: httpx.AsyncClient) -> Member:
    """Register a user over a client and give the client its token."""
    account = {"email": fresh_email(), "password": PASSWORD}
    assert (await client.post("/auth/register", json=account)).status_code == 201
    session = (await client.post("/auth/login", json=account)).json()
    client.headers["Authorization"] = f"Bearer {session['access_token']}"
    return Member(
        user_id=session["user"]["user_id"],
        email=account["email"],
        token=session["access_token"],
        refresh_token=session["refresh_token"],
        http=client,
    )


@pytest.fixture
async def member(join: Join) -> Member:
    return await join()


@pytest.fixture
def rows(site: Site, postgres: Postgres) -> Rows:
    return Rows(site.front.services, postgres, site.settings.database.url.get_secret_value())
