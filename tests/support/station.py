"""A storage node at work: our worker as its own process, on real services."""

import os
import signal
import subprocess
import sys
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import psutil

from actors.declarations import SCHEDULE_QUEUE
from actors.pipeline import WakeUp, Wakeups, open_wakeups
from domain.download import User
from domain.requests import Quality, Wish
from domain.states import Mode, Stage, Status
from runtime.services import Services, open_services
from runtime.settings_layers import load
from storage.db import DatabaseError
from tests.support.waiting import eventually

Row = Mapping[str, Any]
HASH = "never compared here"


class Worker:
    """A worker process; its log is kept in a file."""

    def __init__(
        self, environment: dict[str, str], log: Path, program: str = "vasset.main"
    ) -> None:
        self.log = log
        with log.open("ab") as sink:
            self.process = subprocess.Popen(  # noqa: S603 - our own program
                [sys.executable, "-m", program, "worker"],
                env={**os.environ, **environment},  # noqa: TID251 - it needs PATH
                stderr=sink,
                stdout=sink,
            )

    def stop(self, number: signal.Signals = signal.SIGTERM, timeout_s: float = 60) -> int:
        """End it and return its exit status."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        return self.process.wait(timeout_s)

    def lines(self, event: str) -> list[str]:
        """Return the lines of its log with an event."""
        return [line for line in self.log.read_text().splitlines() if f'"{event}"' in line]


class Station:
    """Services and one user, as the web process has them, and the workers of a node."""

    def __init__(
        self,
        services: Services,
        wakeups: Wakeups,
        user: User,
        environment: Mapping[str, str],
        folder: Path,
    ) -> None:
        self.services = services
        self.user = user
        self.root = services.settings.storage.root
        self._wakeups = wakeups
        self._environment = environment
        self._folder = folder
        self.workers: list[Worker] = []

    async def start_worker(self, **environment: str) -> Worker:
        """Start a worker and return when it takes messages."""
        worker = self.begin_worker(**environment)
        log = worker.log
        await eventually(lambda: worker.lines("worker_started"), timeout_s=120, what=str(log))
        return worker

    def begin_worker(self, **environment: str) -> Worker:
        """Start a worker, whatever becomes of it."""
        log = self._folder / f"worker-{len(self.workers)}.log"
        worker = Worker({**self._environment, **environment}, log)
        self.workers.append(worker)
        return worker

    async def die_at(self, point: str, **environment: str) -> None:
        """Start a worker that kills itself at a crash point; return when it has."""
        worker = self._start_towards(point, environment)
        await eventually(
            lambda: worker.process.poll() is not None,
            timeout_s=90,
            what=f"death {point}: {worker.log}",
        )
        assert worker.process.returncode == -signal.SIGKILL, worker.log.read_text()

    async def freeze_at(self, point: str, **environment: str) -> Worker:
        """Start a worker that stops itself at a crash point; return it when it has."""
        worker = self._start_towards(point, {**environment, "VASSET_CRASH_BY": "SIGSTOP"})
        process = psutil.Process(worker.process.pid)
        await eventually(
            lambda: process.status() == psutil.STATUS_STOPPED,
            timeout_s=90,
            what=f"frost {point}: {worker.log}",
        )
        return worker

    def _start_towards(self, point: str, environment: Mapping[str, str]) -> Worker:
        log = self._folder / f"worker-{len(self.workers)}.log"
        environment = {**self._environment, **environment, "VASSET_CRASH": point}
        worker = Worker(environment, log, program="tests.proof.crashing")
        self.workers.append(worker)
        return worker

    async def submit(
        self, url: str, mode: Mode = Mode.QUICK, quality: Quality = Quality.BEST
    ) -> int:
        """Accept a download as the API does, and return its id."""
        history_id = await self.accept_silently(url, mode, quality)
        self.wake(Stage.ACQUIRE_PROXY, history_id)
        return history_id

    async def accept_silently(
        self, url: str, mode: Mode = Mode.QUICK, quality: Quality = Quality.BEST
    ) -> int:
        """Accept a download whose wake-up is lost, and return its id."""
        wish = Wish(url=url, quality=quality)
        row = await self.services.downloads.submit(self.user.user_id, mode, wish)
        return int(row["history_id"])

    def wake(self, stage: Stage, history_id: int) -> None:
        """Send one more wake-up, as a broker that repeats itself does."""
        node = None if stage is Stage.ACQUIRE_PROXY else self.services.settings.storage.node
        self._wakeups.send(stage, history_id, node=node)

    def tick(self) -> None:
        """Send the hourly tick, as periodiq does."""
        self._wakeups.send_message(
            WakeUp(
                queue_name=SCHEDULE_QUEUE,
                actor_name="expire_everywhere",
                args=(),
                kwargs={},
                options={},
            )
        )

    async def become(self, email: str) -> None:
        """Act for another user from now on, creating the account if there is none."""
        known = await self.services.users.by_email(email)
        self.user = (
            await self.services.users.add(email, password_hash=HASH)
            if known is None
            else known.user
        ) or self.user

    async def row(self, history_id: int) -> Row:
        """Return a download's row."""
        row = await self.services.downloads.of_user(history_id, self.user.user_id)
        assert row is not None
        return row

    async def reached(self, history_id: int, *statuses: Status, timeout_s: float = 60) -> Row:
        """Return the row as soon as it has one of the statuses."""

        async def probe() -> Row | None:
            row = await self.row(history_id)
            return row if row["status"] in statuses else None

        what = f"download {history_id} to be {statuses}"
        return await eventually(probe, timeout_s=timeout_s, what=what)

    async def ended(self, history_id: int, timeout_s: float = 60) -> Row:
        """Return the row as soon as no more work is owed to it."""
        finals = [status for status in Status if not status.is_active]
        return await self.reached(history_id, *finals, timeout_s=timeout_s)

    async def ended_despite_faults(self, history_id: int) -> Row:
        """Return the row once no more work is owed to it, though the database goes away."""

        async def probe() -> Row | None:
            with suppress(DatabaseError):
                row = await self.row(history_id)
                return None if Status(row["status"]).is_active else row
            return None

        return await eventually(probe, timeout_s=90, what=f"download {history_id} to end")

    def staging(self) -> Sequence[Path]:
        """Return the staging folders on the node's disk."""
        return list((self.root / ".staging").iterdir())


@asynccontextmanager
async def open_station(environment: Mapping[str, str], folder: Path) -> AsyncGenerator[Station]:
    """Yield a station without a worker; at the end its workers are gone."""
    settings = load(
        environment={
            "VASSET_STORAGE__NODE": "node-a",
            "VASSET_STORAGE__ROOT": str(folder / "root"),
            **environment,
        }
    )
    environment = {
        "VASSET_STORAGE__NODE": "node-a",
        "VASSET_STORAGE__ROOT": str(folder / "root"),
        "VASSET_LOG__FORMAT": "json",
        "VASSET_EGRESS__ALLOW_PRIVATE": '["127.0.0.0/8"]',
        "VASSET_DOWNLOADS__BACKOFF_S": '{"min": 0.1, "max": 1}',
        "VASSET_DOWNLOADS__SITE_COOLDOWN_S": "1",
        # No test may need gigabytes free on the machine that it runs on.
        "VASSET_DOWNLOADS__EXPECTED_BYTES": "1000000",
        **environment,
    }
    async with open_services(settings) as services:
        user = await services.users.add("ada@example.com", password_hash=HASH)
        assert user is not None
        await _forget_others(services)
        wakeups = open_wakeups(settings.broker.url.get_secret_value())
        station = Station(services, wakeups, user, environment, folder)
        try:
            yield station
        finally:
            wakeups.close()
            for worker in station.workers:
                worker.stop(signal.SIGKILL)


async def _forget_others(services: Services) -> None:
    """Forget what tests before left in the Redis that they share, under the ids of this one too.

    A worker that was killed right after its last download had ended has not given back the lease
    of its proxy; the next worker would do it, at the provider of another test. A web process that
    was killed has not given back its slots of delivery.
    """
    redis: Any = services.redis
    left = [
        str(key) for kind in ("lease", "slots") async for key in redis.scan_iter(f"vasset:{kind}:*")
    ]
    # Another test may have had this minute's tick.
    await redis.delete("vasset:leader:expire", *left)
