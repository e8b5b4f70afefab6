"""`vasset up`: everything on this machine, under one supervisor, from one data directory."""

import asyncio
import os
import select
import signal
import sys
import time
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from typing import TypeVar

from runtime import logs
from runtime.settings import Settings
from storage.db import BusyError, DatabaseError
from vasset import children, embedded, leftovers, probes
from vasset.children import Part
from vasset.datadir import DataDir
from vasset.faults import CommandError
from vasset.journal import Journal
from vasset.resolved import resolve
from vasset.supervisor import Supervisor, last_line

PARTS = ("web", "worker", "scheduler")

START_TIMEOUT_S = 60.0
PARTS_GRACE_S = 6.5
"""The web lets transfers go for 5 s, the worker stops its children within 6 s."""

VALKEY_GRACE_S = 1.0
POSTGRES_GRACE_S = 2.0

_TICK_S = 0.1


_Answer = TypeVar("_Answer")


class _Stopped(Exception):  # noqa: N818 - a wish, not an error
    """Somebody asked `up` to stop while it was starting."""


@dataclass(slots=True)
class _Wishes:
    """How often somebody asked us to stop; every signal also ends a pause at once."""

    count: int = 0
    _ear: int = field(default=-1, init=False)

    def listen(self) -> None:
        self._ear, mouth = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        signal.set_wakeup_fd(mouth, warn_on_full_buffer=False)
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self._hear)
        # Only so that the end of a child ends a pause.
        signal.signal(signal.SIGCHLD, lambda _number, _frame: None)

    def pause(self, seconds: float) -> None:
        if select.select([self._ear], [], [], seconds)[0]:
            os.read(self._ear, 4096)

    def _hear(self, _number: int, _frame: object) -> None:
        self.count += 1


@dataclass(slots=True)
class Up:
    """One run of `vasset up`, in the order in which its methods stand."""

    data: DataDir
    settings: Settings
    journal: Journal
    makes_admin: bool = True
    supervisor: Supervisor = field(default_factory=Supervisor)
    wishes: _Wishes = field(default_factory=_Wishes)
    has_answered: bool = field(default=False, init=False)

    @property
    def _has_own_database(self) -> bool:
        own = embedded.postgres_url(self.data.sockets())
        return self.settings.database.url.get_secret_value() == own

    def run(self) -> int:
        """Start everything, keep it running until asked to stop, stop it; the exit status."""
        self.wishes.listen()
        try:
            self._start_servers()
            self._prepare()
            self._start_parts()
            while not self.wishes.count:
                self._tick()
        except _Stopped:
            pass
        finally:
            self._stop()
        return 0

    def _start_servers(self) -> None:
        sockets = self.data.sockets()
        if self.settings.redis.url.get_secret_value() == embedded.valkey_url(
            sockets, 0
        ) or self.settings.broker.url.get_secret_value() == embedded.valkey_url(sockets, 1):
            self._add(embedded.valkey_part(self.data))
            self._await(embedded.VALKEY, lambda: probes.valkey_answers(sockets / "valkey.sock"))
        if self._has_own_database:
            self._add(embedded.postgres_part(self.data))
            self._await(embedded.POSTGRES, lambda: probes.postgres_answers(sockets))
            self.has_answered = True

    def _prepare(self) -> None:
        from vasset.first_run import prepare  # noqa: PLC0415 - while the servers start
        from vasset.schema import migrate  # noqa: PLC0415

        database = self.settings.database
        url, pooler = database.url.get_secret_value(), database.pooler
        self._ask_database(lambda: migrate(url, _tell, pooler))
        account = self._ask_database(lambda: prepare(self.settings, makes_admin=self.makes_admin))
        if account is not None:
            _tell(
                "The first account, an administrator; its password is shown this once:\n"
                f"  e-mail    {account.email}\n"
                f"  password  {account.password}"
            )

    def _ask_database(self, ask: Callable[[], Coroutine[None, None, _Answer]]) -> _Answer:
        """Return an answer of the database, asked again if it goes away for a while.

        Raises:
            DatabaseError: It has never answered, or is away for longer than a start may take.
            _Stopped: Somebody asked us to stop, and it was not done.
        """
        end = time.monotonic() + START_TIMEOUT_S
        while True:
            try:
                answer = asyncio.run(self._unless_stopped(ask()))
            except BusyError:
                raise
            except DatabaseError:
                if not self.has_answered or time.monotonic() > end:
                    raise
                self._tick()
            else:
                self.has_answered = True
                return answer

    async def _unless_stopped(self, work: Coroutine[None, None, _Answer]) -> _Answer:
        """Run work that may take minutes, such as building an index, unless asked to stop."""
        task = asyncio.create_task(work)
        while not (await asyncio.wait([task], timeout=_TICK_S))[0]:
            if self.wishes.count:
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)
                raise _Stopped
        return await task

    def _start_parts(self) -> None:
        from vasset.first_run import heartbeat  # noqa: PLC0415 - while the servers start

        def beat() -> object:
            return self._ask_database(lambda: heartbeat(self.settings))

        before = beat()
        for name in PARTS:
            self._add(self._part(name))
        server = self.settings.server
        self._await("web", lambda: probes.web_is_ready(server))
        self._await("worker", lambda: beat() != before)
        _tell(f"V-Asset is ready at {probes.address(server)}")
        if others := probes.address_for_others(server):
            _tell(f"  for other machines: {others}")

    def _part(self, name: str) -> Part:
        inherited = children.of_a_server if self._has_own_database else children.inherited
        return Part(
            name=name,
            # -P: the working folder must not be searched for modules.
            command=[sys.executable, "-P", "-m", "vasset.main", name],
            folder=self.data.run,
            log=self.data.logs / f"{name}.log",
            environment=inherited(self.data.root, VASSET_SETTINGS=str(self.data.settings)),
        )

    def _add(self, part: Part) -> None:
        # What the servers write is not made for people: their last line is told if they die.
        self.journal.follow(part.log, is_shown=part.name in PARTS)
        self.supervisor.add(part)

    def _await(self, name: str, is_there: Callable[[], bool]) -> None:
        """Wait until a part answers.

        Raises:
            CommandError: It keeps dying or takes too long.
        """
        end = time.monotonic() + START_TIMEOUT_S
        while not is_there():
            self._tick()
            if self.wishes.count:
                raise _Stopped
            if self.supervisor.faults(name) > 1 or time.monotonic() > end:
                log = self.data.logs / f"{name}.log"
                message = f"{name} does not start: {last_line(log) or 'it says nothing'} ({log})"
                raise CommandError(message)

    def _tick(self) -> None:
        self.wishes.pause(_TICK_S)
        self.supervisor.tend()
        self.journal.show()

    def _stop(self) -> None:
        """End everything within 10 s, whatever is being downloaded; nothing is left behind."""
        asked = self.wishes.count

        def in_a_hurry() -> bool:
            return self.wishes.count > asked

        self.supervisor.stop(PARTS, PARTS_GRACE_S, in_a_hurry)
        leftovers.end_strays(self.data)
        self.supervisor.stop([embedded.VALKEY], VALKEY_GRACE_S, in_a_hurry)
        self.supervisor.stop([embedded.POSTGRES], POSTGRES_GRACE_S)
        self.data.remove_sockets()
        self.journal.show()


def up(data: DataDir, settings: Settings, *, makes_admin: bool = True) -> int:
    """Run V-Asset on a data directory until asked to stop; the exit status.

    Args:
        makes_admin: Whether a first run makes an administrator and shows the password; one that
            nobody watches leaves that to the next.

    Raises:
        CommandError: It is running already, the port is taken, or a part does not start.
        SettingsError: A setting does not fit.
        DatabaseError: The database that the settings name cannot be reached.
        RootMissingError: The storage root is another node's.
    """
    os.umask(0o077)
    data.root.mkdir(mode=0o700, parents=True, exist_ok=True)
    with data.locked():
        logs.configure(settings.log, part="up")
        data.create()
        leftovers.clear(data)
        port = probes.free_port(settings.server)
        server = settings.server.model_copy(update={"port": port})
        resolved = resolve(settings.model_copy(update={"server": server}), data)
        return Up(data, resolved, Journal(settings.log), makes_admin).run()


def _tell(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()
