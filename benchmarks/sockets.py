"""A thousand sockets on one web process, and two thousand events a second through the feed."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import IO, Any, cast

import psutil

from benchmarks.shelf import Shelf, open_shelf
from domain.download import User
from web.accounts.tokens import Tokens

SOCKETS = 1_000
DOWNLOADS = 1_000
EVENTS = 2_000
CROWDS = (1_000, 500, 100)
"""How many users have the sockets between them; ten each is the most."""

SECONDS = 30.0
LONG_S = 120.0
WANTED_MS = 100

_TOP = Path(__file__).parents[1]
_FILL = """
INSERT INTO users (email, password_hash)
SELECT n || '@example.com', '-' FROM generate_series(1, {downloads}) n;
INSERT INTO download_history (user_id, url, mode, status, stage, attempts, epoch, claim_until)
SELECT n % {users} + 1, 'https://example.com/' || n, 'archive', 5, 'fetch', 1, 1,
       now() + interval '1 day' FROM generate_series(1, {downloads}) n;
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """What was measured of one crowd.

    Attributes:
        share: Of the messages that were to come.
        server, clients, feed: Processor seconds a second of web process, clients, publisher.
        before, after: Resident bytes of the web process.
        load: Of the machine, in the last minute, ours included.
    """

    users: int
    seconds: float
    told: float
    messages: float
    share: float
    p50_ms: float
    p99_ms: float
    worst_ms: float
    server: float
    clients: float
    feed: float
    before: int
    after: int
    load: float


def run() -> str:
    """Measure each crowd, the densest one once more for some minutes, and return the table."""
    heard = [_measure(users, SECONDS) for users in CROWDS]
    heard.append(_measure(CROWDS[-1], LONG_S))
    return _table(heard)


def _measure(users: int, seconds: float) -> Heard:
    with open_shelf() as shelf:
        shelf.sql(_FILL.format(users=users, downloads=DOWNLOADS))
        with shelf.web() as (port, pid), _watching(shelf, port, users) as (ask, answers):
            server = psutil.Process(pid)
            # Once unmeasured: what is made once is made before the memory is read.
            _tell(shelf, users, 5)
            opened = _ask(ask, answers)["snapshots"]
            before = server.memory_info().rss
            cpu, clients = _cpu(server), _ask(ask, answers)["cpu_s"]
            told, told_cpu = _tell(shelf, users, seconds)
            time.sleep(1)
            heard = _ask(ask, answers)
            if heard["ended"] or heard["snapshots"] != opened:
                message = f"told anew: {heard['snapshots'] - opened}, ended: {heard['ended']}"
                raise RuntimeError(message)
            return Heard(
                users=users,
                seconds=seconds,
                told=told / seconds,
                messages=heard["messages"] / seconds,
                share=heard["messages"] / (told * SOCKETS / users),
                p50_ms=heard["p50_ms"],
                p99_ms=heard["p99_ms"],
                worst_ms=heard["worst_ms"],
                server=(_cpu(server) - cpu) / seconds,
                clients=(heard["cpu_s"] - clients) / seconds,
                feed=told_cpu / seconds,
                before=before,
                after=server.memory_info().rss,
                load=os.getloadavg()[0],
            )


def _tell(shelf: Shelf, users: int, seconds: float) -> tuple[int, float]:
    """Publish for so long; return how many events, and the publisher's processor seconds."""
    url = shelf.settings.redis.url.get_secret_value()
    words = [url, str(DOWNLOADS), str(users), str(EVENTS), str(seconds)]
    command = [sys.executable, "-m", "benchmarks.telling", *words]
    said = subprocess.run(command, cwd=_TOP, check=True, stdout=subprocess.PIPE)  # noqa: S603 - ours
    told, cpu = said.stdout.split()
    return int(told), float(cpu)


@contextmanager
def _watching(shelf: Shelf, port: int, users: int) -> Generator[tuple[IO[bytes], IO[bytes]]]:
    """Yield the ends of a process whose sockets are open and have had their snapshots."""
    command = [sys.executable, "-m", "benchmarks.watchers", str(port)]
    tokens = _tokens(shelf, users)
    with subprocess.Popen(  # noqa: S603 - our own command
        command, cwd=_TOP, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as clients:
        ask, answers = cast("IO[bytes]", clients.stdin), cast("IO[bytes]", clients.stdout)
        ask.write(" ".join(tokens[n % users] for n in range(SOCKETS)).encode() + b"\n")
        ask.flush()
        try:
            if answers.readline() != b"ready\n":
                message = "the sockets did not open"
                raise RuntimeError(message)
            yield ask, answers
        finally:
            clients.kill()


def _tokens(shelf: Shelf, users: int) -> list[str]:
    auth = shelf.settings.auth
    tokens = Tokens(auth.secret.get_secret_value(), timedelta(seconds=auth.access_ttl_s))
    return [tokens.give(_user(number)) for number in range(1, users + 1)]


def _user(user_id: int) -> User:
    """Return an account as far as its token needs it."""
    return User(
        user_id=user_id,
        email="",
        nickname=None,
        role="user",
        token_version=1,
        created_at=datetime.fromtimestamp(0, UTC),
    )


def _ask(ask: IO[bytes], answers: IO[bytes]) -> dict[str, Any]:
    ask.write(b"\n")
    ask.flush()
    return cast("dict[str, Any]", json.loads(answers.readline()))


def _cpu(process: psutil.Process) -> float:
    return sum(process.cpu_times()[:2])


def _table(crowds: list[Heard]) -> str:
    rows = "\n".join(_row(one) for one in crowds)
    late = [f"{one.users} users" for one in crowds if one.p99_ms >= WANTED_MS]
    verdict = f"NOT met by {', '.join(late)}" if late else "met"
    loads = ", ".join(f"{one.load:.1f}" for one in crowds)
    return (
        "| users | sockets of each | seconds | events/s | messages/s | arrived | p50, ms | p99, ms "
        "| worst, ms | CPU: server | clients | publisher | memory before, MiB | after |\n"
        "|---|---|---|---|---|---|---|---|---|---|---|---|---|---|\n"
        f"{rows}\n\n"
        f"Wanted: p99 under {WANTED_MS} ms: {verdict}. CPU in processor seconds a second. Loads of "
        f"the machine, ours included: {loads}."
    )


def _row(one: Heard) -> str:
    return (
        f"| {one.users} | {SOCKETS // one.users} | {one.seconds:.0f} | {one.told:.0f} "
        f"| {one.messages:.0f} | {one.share * 100:.2f} % | {one.p50_ms:.1f} | {one.p99_ms:.1f} "
        f"| {one.worst_ms:.0f} | {one.server:.2f} | {one.clients:.2f} | {one.feed:.2f} "
        f"| {one.before / 2**20:.0f} | {one.after / 2**20:.0f} |"
    )
