"""A small fleet on this machine: three services, one web process, two nodes, all replaceable."""

import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Self

import psutil

from tests.support.ports import free_port
from tests.support.postgres import Postgres
from tests.support.rabbit import Rabbit
from tests.support.services import running
from tests.support.valkey import Valkey

SCHEMA = Path(__file__).parents[2] / "schema.sql"
NODES = ("node-a", "node-b")


class Part:
    """One process of the program, started again whenever it has ended."""

    def __init__(self, name: str, command: str, environment: Mapping[str, str], log: Path) -> None:
        self.name = name
        self._command = command
        self._environment = dict(environment)
        self._log = log
        self._process = self._start()

    def keep_up(self) -> None:
        """Start it again if it has ended."""
        if self._process.poll() is not None:
            self._process = self._start()

    def send(self, number: signal.Signals) -> None:
        """Send it a signal, if it is there."""
        if self._process.poll() is None:
            self._process.send_signal(number)

    def stop(self) -> None:
        """End it in good order."""
        self.send(signal.SIGCONT)
        self.send(signal.SIGTERM)
        try:
            self._process.wait(30)
        except subprocess.TimeoutExpired:
            self._process.kill()
            raise

    def _start(self) -> "subprocess.Popen[bytes]":
        with self._log.open("ab") as sink:
            return subprocess.Popen(  # noqa: S603 - our own program
                [sys.executable, "-m", "vasset.main", self._command],
                env={**os.environ, **self._environment},  # noqa: TID251 - it needs PATH
                stdout=sink,
                stderr=sink,
            )


class Fleet:
    """Services and parts below one folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.postgres, self.valkey, self.rabbit = Postgres(), Valkey(append_only=True), Rabbit()
        self._running = running(self.postgres, self.valkey, self.rabbit)
        self.port = free_port()
        self.roots = {node: folder / node for node in NODES}
        self.database_url = ""
        self.parts: list[Part] = []

    @property
    def environment(self) -> dict[str, str]:
        """The settings that every part shares."""
        return {
            "VASSET_DATABASE__URL": self.database_url,
            "VASSET_REDIS__URL": self.valkey.url,
            "VASSET_BROKER__URL": self.rabbit.url,
            "VASSET_SERVER__PORT": str(self.port),
            "VASSET_AUTH__SECRET": "a secret of the soak, long enough to be one",
            "VASSET_AUTH__ACCESS_TTL_S": "86400",
            "VASSET_DOWNLOADS__BACKOFF_S": '{"min": 0.2, "max": 5}',
            "VASSET_DOWNLOADS__STALL_TIMEOUT_S": "5",
            "VASSET_DOWNLOADS__SITE_COOLDOWN_S": "1",
            # A soak of any size is submitted by five users within a day.
            "VASSET_QUOTA__DAILY_DOWNLOADS": "1000000",
            "VASSET_QUOTA__ACTIVE_DOWNLOADS": "1000000",
            "VASSET_QUOTA__ARCHIVE_BYTES": "1000000000000",
            "VASSET_QUOTA__RESERVE_BYTES": "1",
            "VASSET_DOWNLOADS__PER_USER_SUBMITS": "0",
            "VASSET_DOWNLOADS__EXPECTED_BYTES": "1000000",
            "VASSET_EGRESS__ALLOW_PRIVATE": '["127.0.0.0/8"]',
            "VASSET_LOG__FORMAT": "json",
        }

    def __enter__(self) -> Self:
        self._running.__enter__()
        self.database_url = self.postgres.create_database("soak")
        self.postgres.run_sql(SCHEMA.read_text(encoding="utf-8"), database="soak")
        self.parts = [self._part("web", "web", {})] + [
            self._part(
                node,
                "worker",
                {"VASSET_STORAGE__NODE": node, "VASSET_STORAGE__ROOT": str(self.roots[node])},
            )
            for node in NODES
        ]
        return self

    def __exit__(self, *_: object) -> None:
        try:
            for part in self.parts:
                part.stop()
        finally:
            self._running.__exit__(None, None, None)

    def _part(self, name: str, command: str, more: dict[str, str]) -> Part:
        return Part(name, command, self.environment | more, self.folder / f"{name}.log")

    def ask(self, sql: str) -> str:
        """Return what a statement says, unaligned."""
        return self.postgres.run_sql(sql, "soak")

    def children_left(self) -> tuple[str, ...]:
        """Return the processes that stand in a staging folder."""
        found: list[str] = []
        for process in psutil.process_iter():
            with suppress(psutil.Error):
                if process.cwd().startswith(str(self.folder)):
                    found.append(f"{process.pid} {process.name()}")
        return tuple(found)
