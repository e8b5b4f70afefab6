"""A real PgBouncer before a PostgreSQL, on a Unix socket."""

import os
import socket
from contextlib import suppress

from tests.support.parts import find_program
from tests.support.ports import free_port
from tests.support.postgres import Postgres
from tests.support.service import Service


class PgBouncer(Service):
    """A pooler with its own defaults, but for ``pool_mode``."""

    def __init__(self, postgres: Postgres, mode: str) -> None:
        self._program = find_program("pgbouncer", "apt-get install pgbouncer")
        # It refuses to run as root.
        super().__init__(user="nobody" if os.geteuid() == 0 else "")
        self._postgres = postgres
        self._mode = mode
        self._number = free_port()

    @property
    def url(self) -> str:
        return self.database_url("postgres")

    def database_url(self, name: str) -> str:
        """Return the address of a database of the server behind it."""
        return f"postgresql://postgres@/{name}?host={self.folder}&port={self._number}"

    def _command(self) -> list[str]:
        users, settings = self.folder / "users.txt", self.folder / "pgbouncer.ini"
        users.write_text('"postgres" ""\n', encoding="ascii")
        settings.write_text(
            f"[databases]\n* = host={self._postgres.folder} user=postgres\n[pgbouncer]\n"
            f"pool_mode = {self._mode}\nlisten_port = {self._number}\n"
            f"unix_socket_dir = {self.folder}\nauth_type = trust\nauth_file = {users}\n",
            encoding="ascii",
        )
        return [str(self._program), str(settings)]

    def _answers(self) -> bool:
        with socket.socket(socket.AF_UNIX) as client, suppress(OSError):
            client.connect(str(self.folder / f".s.PGSQL.{self._number}"))
            return True
        return False
