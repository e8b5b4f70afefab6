"""Finished downloads, and web processes that deliver them."""

import asyncio
import os
import secrets
import tempfile
import time
from collections.abc import Generator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from benchmarks.discarding import Link
from domain.download import User
from domain.requests import Quality, Wish
from domain.states import Mode
from runtime.services import Services, open_services
from runtime.settings import Settings
from runtime.settings_layers import load
from tests.support.ports import free_port, is_listening
from tests.support.postgres import Postgres
from tests.support.services import running
from tests.support.valkey import Valkey
from tests.support.web_process import start_web
from web.accounts.tokens import Tokens

SCHEMA = Path(__file__).parents[1] / "schema.sql"
PER_USER = 5
HASH = "never compared here"

_FINISH = """
ALTER TABLE download_history DISABLE TRIGGER download_history_moved;
UPDATE download_history SET status = 1, storage_node = 'node-a', file_name = 'v.mp4',
    file_size = {size}, file_hash = repeat('0', 32), file_inode = {inode}
WHERE history_id = {history_id};
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Book:
    """One finished download and its owner's token."""

    history_id: int
    path: Path
    token: str

    def at(self, port: int) -> Link:
        """Return the link to it at a web process, or at what stands in front of it."""
        url = f"http://127.0.0.1:{port}/api/v1/download/file?history_id={self.history_id}"
        return Link(url, self.token)


class Shelf:
    """Files of several users on one node."""

    def __init__(self, settings: Settings, postgres: Postgres) -> None:
        self.settings = settings
        self._postgres = postgres
        self.root = settings.storage.root

    def sql(self, sql: str) -> str:
        """Return what a statement says."""
        return self._postgres.run_sql(sql, database="bench")

    def put(self, sizes: list[int]) -> list[Book]:
        """Add files of these sizes, each of a user of its own; they are in the page cache."""
        return asyncio.run(self._put(sizes))

    async def _put(self, sizes: list[int]) -> list[Book]:
        async with open_services(self.settings) as services:
            await asyncio.to_thread(services.files.prepare_root)
            return [await self._add(services, size) for size in sizes]

    async def _add(self, services: Services, size_bytes: int) -> Book:
        user = await _new_user(services)
        wish = Wish(url="https://example.com/v", quality=Quality.BEST)
        row = await services.downloads.submit(user.user_id, Mode.ARCHIVE, wish)
        files, number = services.files, row["history_id"]
        path = files.path(number, user.user_id, Mode.ARCHIVE, row["asset_uuid"], row["created_at"])
        await asyncio.to_thread(_write, path, size_bytes)
        await asyncio.to_thread(
            self._postgres.run_sql,
            _FINISH.format(size=size_bytes, inode=path.stat().st_ino, history_id=number),
            "bench",
        )
        return Book(history_id=number, path=path, token=self._token_of(user))

    def join(self, number: int) -> list[str]:
        """Add so many users and return their tokens."""
        return asyncio.run(self._join(number))

    async def _join(self, number: int) -> list[str]:
        async with open_services(self.settings) as services:
            return [self._token_of(await _new_user(services)) for _ in range(number)]

    def _token_of(self, user: User) -> str:
        secret = self.settings.auth.secret.get_secret_value()
        return Tokens(secret, timedelta(seconds=self.settings.auth.access_ttl_s)).give(user)

    @contextmanager
    def web(self, **settings: str) -> Generator[tuple[int, int]]:
        """Yield port and process id of a warm web process.

        Args:
            settings: Of its own, as ``delivery__offload``.
        """
        port = free_port()
        more = {f"VASSET_{name.upper()}": value for name, value in settings.items()}
        process = start_web(self.settings, port, more)
        try:
            while not is_listening(port):
                time.sleep(0.1)
            yield port, process.pid
        finally:
            process.terminate()
            process.wait()


@contextmanager
def open_shelf() -> Generator[Shelf]:
    """Yield an empty shelf on services of its own."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        postgres, valkey = Postgres(), Valkey()
        stack.enter_context(running(postgres, valkey))
        url = postgres.create_database("bench")
        postgres.run_sql(SCHEMA.read_text(encoding="utf-8"), database="bench")
        settings = load(
            {},
            {
                "database": {"url": url},
                "redis": {"url": valkey.url},
                "broker": {"url": valkey.url},
                "storage": {"root": str(folder / "root"), "node": "node-a"},
                "auth": {"secret": secrets.token_urlsafe(32)},
            },
        )
        yield Shelf(settings, postgres)


async def _new_user(services: Services) -> User:
    user = await services.users.add(f"{secrets.token_hex(4)}@example.com", password_hash=HASH)
    if user is None:
        message = "the database is not empty"
        raise RuntimeError(message)
    return user


def _write(path: Path, size_bytes: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    piece = os.urandom(1 << 20)
    with path.open("wb") as file:
        for _ in range(size_bytes >> 20):
            file.write(piece)
