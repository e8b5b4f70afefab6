"""The rows and files of a test's database, moved as the workers would move them."""

import asyncio
import hashlib
from pathlib import Path
from urllib.parse import urlsplit

from domain.states import Mode, Stage, Status
from runtime.services import Services
from tests.support.postgres import Postgres


class Rows:
    """Writes what only workers write, and counts."""

    def __init__(self, services: Services, postgres: Postgres, database_url: str) -> None:
        self._services = services
        self._postgres = postgres
        self._database = urlsplit(database_url).path[1:]

    async def ask(self, sql: str) -> str:
        """Return what a statement says, unaligned."""
        return await asyncio.to_thread(self._postgres.run_sql, sql, self._database)

    async def count(self) -> str:
        """Return how many rows stand in each table that the web writes."""
        tables = ("users", "refresh_tokens", "download_history")
        return await self.ask(
            "SELECT " + ", ".join(f"(SELECT count(*) FROM {table})" for table in tables)
        )

    async def set(self, history_id: int, assignments: str) -> None:
        """Write columns of a row, whatever moves are legal."""
        await self.ask(
            "ALTER TABLE download_history DISABLE TRIGGER download_history_moved;"
            f"UPDATE download_history SET {assignments} WHERE history_id = {history_id};"
            "ALTER TABLE download_history ENABLE TRIGGER download_history_moved;"
        )

    async def run(self, history_id: int, stage: Stage = Stage.FETCH) -> None:
        """Let a worker hold a row in this stage."""
        await self.set(
            history_id,
            f"status = 5, stage = '{stage}', attempts = 1, epoch = 1, storage_node = 'node-a', "
            "claim_until = now() + interval '1 minute', started_at = now()",
        )

    async def end(self, history_id: int, status: Status) -> None:
        """Write a status, with an error if it is one."""
        error = "'timed_out', error_message = 'The download took too long.'"
        await self.set(
            history_id,
            f"status = {int(status)}, finished_at = now(), claim_until = NULL, "
            f"error_code = {error if status is Status.FAILED else 'NULL'}",
        )

    async def finish(
        self, history_id: int, content: bytes, *, user_id: int, name: str = "A film.mp4"
    ) -> Path:
        """Let a row end with a file of this content; return where the file stands."""
        row = await self._services.downloads.of_user(history_id, user_id)
        assert row is not None
        mode = Mode(row["mode"])
        path = self._services.files.path(
            history_id, user_id, mode, row["asset_uuid"], row["created_at"]
        )
        inode = await asyncio.to_thread(_write, path, content)
        md5 = hashlib.md5(content, usedforsecurity=False).hexdigest()
        expire_at = "now() + interval '1 day'" if mode is Mode.QUICK else "NULL"
        await self.set(
            history_id,
            f"status = {int(mode.finished)}, stage = 'record', storage_node = 'node-a', "
            f"file_path = '/nowhere', file_name = $name${name}$name$, file_size = {len(content)}, "
            f"file_hash = '{md5}', file_inode = {inode}, expire_at = {expire_at}, "
            "finished_at = now()",
        )
        return path


def _write(path: Path, content: bytes) -> int:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path.stat().st_ino
