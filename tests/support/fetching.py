"""One fetch with the real runner, and the processes that it consists of."""

import asyncio
import os
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from ipaddress import ip_network
from pathlib import Path

from domain.addresses import AddressPolicy
from domain.download import FetchedMedia, Progress, ProxyLease
from domain.requests import Wish
from gateways.egress.gate import Gate
from gateways.egress.judge import Judge
from gateways.ytdlp.options import FetchLimits, FetchOrder, Tools
from gateways.ytdlp.runner import Runner
from gateways.ytdlp.sandbox import Sandbox
from gateways.ytdlp.spawning import PROGRAM
from tests.support.media import find_ffmpeg
from tests.support.waiting import eventually

LIMITS = FetchLimits(
    max_bytes=5_000_000,
    time_limit=timedelta(seconds=120),
    stall_timeout=timedelta(seconds=120),
    connections=2,
    spare_children=1,
)
OPEN_LOOPBACK = AddressPolicy(
    allow_private=(ip_network("127.0.0.0/8"),), ports=(80, 443), deny_hosts=()
)
SLOW = {"size": 1_000_000, "bytes_per_s": 100_000}
"""The query of a clip that takes ten seconds, unless its fetch is ended."""


@asynccontextmanager
async def running(
    limits: FetchLimits = LIMITS,
    *,
    ffmpeg: Path | None = None,
    js_runtime: Path | None = None,
    sandbox: Sandbox = Sandbox.REQUIRE,
    policy: AddressPolicy = OPEN_LOOPBACK,
    program: str = PROGRAM,
) -> AsyncGenerator[Runner]:
    """Return a started runner, closed at the end."""
    runner = Runner(
        limits,
        Tools(ffmpeg=ffmpeg or find_ffmpeg(), js_runtime=js_runtime),
        Gate(Judge(policy)),
        sandbox=sandbox,
        program=program,
    )
    await runner.start()
    try:
        yield runner
    finally:
        await runner.close()


def order(url: str, staging: Path, proxy_url: str | None = None) -> FetchOrder:
    """Return an order for the best quality."""
    return FetchOrder(wish=Wish(url=url), staging=staging, lease=lease_of(proxy_url))


def lease_of(proxy_url: str | None) -> ProxyLease:
    """Return the lease of a proxy, or the one that means: none."""
    return ProxyLease(url=proxy_url, exit_name="direct" if proxy_url is None else "the proxy")


def ignore(_progress: Progress) -> None:
    """Take a report of progress and do nothing."""


def begin(
    runner: Runner, order: FetchOrder, on_progress: Callable[[Progress], None] = ignore
) -> asyncio.Task[FetchedMedia]:
    """Return a fetch that goes on beside the test."""
    return asyncio.create_task(runner.fetch(order, on_progress))


async def has_begun(staging: Path) -> "Proc":
    """Return the child that fetches into the folder, once its first bytes are there."""
    await eventually(lambda: list(staging.glob("media*.part")), what="the first bytes")
    (child,) = processes_in(staging)
    return child


@dataclass(frozen=True, slots=True, kw_only=True)
class Proc:
    """A process as it stood a moment ago."""

    pid: int
    parent: int
    group: int
    state: str

    def read(self, name: str) -> str:
        """Return the text of one of its files in /proc; empty if it has ended since."""
        try:
            return Path(f"/proc/{self.pid}/{name}").read_text(encoding="utf-8", errors="replace")
        except (FileNotFoundError, ProcessLookupError):
            return ""

    def link(self, name: str) -> str:
        """Return where one of its links in /proc points; empty if it cannot be read."""
        try:
            return str(Path(f"/proc/{self.pid}/{name}").readlink())
        except OSError:
            return ""


def process(pid: int) -> Proc | None:
    """Return a process, or None if there is none of that id."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except (FileNotFoundError, ProcessLookupError):
        return None
    state, parent, group = text.rpartition(") ")[2].split()[:3]
    return Proc(pid=pid, parent=int(parent), group=int(group), state=state)


def processes() -> list[Proc]:
    """Return all processes of this machine."""
    pids = [int(path.name) for path in Path("/proc").iterdir() if path.name.isdecimal()]
    return [one for one in map(process, pids) if one is not None]


def children_of(pid: int) -> list[Proc]:
    """Return what a process started and has not reaped."""
    return [one for one in processes() if one.parent == pid]


def processes_in(folder: Path) -> list[Proc]:
    """Return the processes whose working folder this is; dead ones have none."""
    return [one for one in processes() if one.link("cwd") == str(folder)]


def fork_servers() -> list[Proc]:
    """Return the fork servers of this process, the newest last."""
    ours = [one for one in children_of(os.getpid()) if "ytdlp.server" in one.read("cmdline")]
    return sorted(ours, key=lambda one: int(one.read("stat").rpartition(") ")[2].split()[19]))
