"""ASGI servers that send a file by aiofiles in pieces, beside nginx and V-Asset's own way."""

import os
import subprocess
import sys
import time
from collections.abc import Generator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from benchmarks.delivery import EACH_BYTES, ONE_BYTES, STREAMS, USERS, Way, median
from benchmarks.discarding import Link
from benchmarks.plain_nginx import PlainNginx
from benchmarks.shelf import PER_USER, open_shelf
from tests.support.ports import free_port, is_listening

ROUNDS = 3
APP = "benchmarks.plain_app:app"
KIB = 1 << 10

SERVERS: dict[str, Sequence[str]] = {
    "uvicorn": ("uvicorn", APP, "--loop", "uvloop", "--http", "httptools", "--no-access-log",
                "--log-level", "error", "--port"),
    "hypercorn": ("hypercorn", APP, "-k", "uvloop", "--log-level", "ERROR", "-b"),
    "granian": ("granian", "--interface", "asgi", "--loop", "uvloop", "--log-level", "error", APP,
                "--port"),
}  # fmt: skip
CASES = (
    ("uvicorn", 64 * KIB), ("uvicorn", 256 * KIB), ("uvicorn", 1024 * KIB),
    ("uvicorn", 4096 * KIB), ("hypercorn", 1024 * KIB), ("granian", 1024 * KIB),
)  # fmt: skip


def run() -> str:
    """Measure all of them in turn and return the table."""
    with ExitStack() as stack:
        shelf = stack.enter_context(open_shelf())
        large, *small = shelf.put([ONE_BYTES, *[EACH_BYTES] * USERS])
        nginx = stack.enter_context(PlainNginx(shelf.root))
        port, web = stack.enter_context(shelf.web())
        path = f"http://127.0.0.1:{nginx.port}/{large.path.relative_to(shelf.root)}"
        ways = [
            _way("nginx, sendfile", Link(path), nginx.pid),
            Way(
                name="V-Asset: uvicorn, sendfile by its outlet",
                one=large.at(port),
                many=[book.at(port) for book in small * PER_USER],
                pids=[web],
            ),
        ]
        for name, piece in CASES:
            link, pid = stack.enter_context(_serving(name, piece, large.path))
            ways.append(_way(f"{name}, aiofiles, pieces of {piece // KIB} KiB", link, pid))
        for _ in range(ROUNDS):
            for way in ways:
                way.measure()
    return _table(ways)


def _way(name: str, link: Link, pid: int) -> Way:
    return Way(name=name, one=link, many=[link] * STREAMS, pids=[pid])


@contextmanager
def _serving(name: str, piece_bytes: int, file: Path) -> Generator[tuple[Link, int]]:
    """Yield the link to the file at a server of its own, and that server's process."""
    port = free_port()
    place = f"127.0.0.1:{port}" if name == "hypercorn" else str(port)
    process = subprocess.Popen(  # noqa: S603 - our own command
        [sys.executable, "-m", *SERVERS[name], place],
        env=os.environ | {"BENCH_FILE": str(file), "BENCH_PIECE": str(piece_bytes)},  # noqa: TID251
        cwd=Path(__file__).parents[1],
    )
    try:
        while not is_listening(port):
            time.sleep(0.1)
        yield Link(f"http://127.0.0.1:{port}/"), process.pid
    finally:
        process.terminate()
        process.wait()


def _table(ways: list[Way]) -> str:
    nginx_one, nginx_many = median(ways[0].one_rounds), median(ways[0].many_rounds)
    rows: list[str] = []
    for way in ways:
        one, many = median(way.one_rounds), median(way.many_rounds)
        rows.append(
            f"| {way.name} | {nginx_one.seconds / one.seconds:.2f} | {one.cpu_per_gib:.2f} "
            f"| {nginx_many.seconds / many.seconds:.2f} | {many.cpu_per_gib:.2f} "
            f"| {many.cpu_per_gib / nginx_many.cpu_per_gib:.1f} "
            f"| {many.grown_bytes / 2**20:.0f} |"
        )
    return (
        f"| way | 1 stream, of nginx's speed | CPU s/GiB | {STREAMS} streams, of nginx's speed "
        "| CPU s/GiB | times nginx's | memory grown, MiB |\n"
        "|---|---|---|---|---|---|---|\n" + "\n".join(rows) + "\n\n"
        f"Median of {ROUNDS} rounds, in turn."
    )
