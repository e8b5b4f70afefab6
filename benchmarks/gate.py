"""One file of 1 GiB through the egress gate, beside the same thing without it."""

import asyncio
import resource
import socket
import sys
import tempfile
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import psutil
import structlog

from benchmarks.raw_site import RawSite
from domain.download import ProxyLease
from domain.requests import Wish
from gateways.egress.gate import Gate
from gateways.egress.judge import Judge
from gateways.egress.passage import USER, Passage
from gateways.ytdlp.options import FetchLimits, FetchOrder, Tools
from gateways.ytdlp.runner import Runner
from gateways.ytdlp.sandbox import Sandbox
from gateways.ytdlp.spawning import PROGRAM
from tests.support.fetching import OPEN_LOOPBACK
from tests.support.media import Media

SIZE_BYTES = 1 << 30
ROUNDS = 5
WANTED_THROUGHPUT = 0.85
WANTED_CPU = 1.4

DIRECT = ProxyLease(url=None, exit_name="direct")
LIMITS = FetchLimits(
    max_bytes=SIZE_BYTES * 2,
    time_limit=timedelta(minutes=5),
    stall_timeout=timedelta(seconds=30),
    connections=1,
    spare_children=1,
)

# The same server and the same child; what differs is the gate.
_STRAIGHT = """
import sys
sys.path.append(sys.argv.pop(1))
from gateways.ytdlp import child
from gateways.ytdlp.server import main
main(lambda start, gate, tell: child.fetch(start, "", tell))
"""


Fetch = Callable[[str, Path], Awaitable[None]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """One way of fetching the file into a folder, and what each round took.

    Attributes:
        rounds: Wall seconds and processor seconds of yt-dlp, its server and this process; the
            site is left out.
    """

    name: str
    fetch: Fetch
    rounds: list[tuple[float, float]] = field(default_factory=list[tuple[float, float]])

    @property
    def seconds(self) -> float:
        """Return the fastest time."""
        return min(seconds for seconds, _ in self.rounds)

    @property
    def cpu_s(self) -> float:
        """Return the least processor time."""
        return min(cpu for _, cpu in self.rounds)

    def row(self, without: "Way") -> str:
        """Return it as a row of a table."""
        return (
            f"| {self.name} | {self.seconds:.2f} | {SIZE_BYTES / 2**20 / self.seconds:.0f} "
            f"| {without.seconds / self.seconds:.2f} | {self.cpu_s:.2f} "
            f"| {self.cpu_s / without.cpu_s:.2f} |"
        )


def run() -> str:
    """Measure all ways in turn and return the table."""
    quiet = structlog.make_filtering_bound_logger("error")
    structlog.configure(wrapper_class=quiet)
    return asyncio.run(_run())


async def _run() -> str:
    with tempfile.TemporaryDirectory() as name:
        clip = Media(Path(name)).tiny.read_bytes()
    with RawSite(clip, SIZE_BYTES) as site:
        off, full = _warm(_STRAIGHT, Sandbox.OFF), _warm(PROGRAM, Sandbox.REQUIRE)
        async with off as straight, full as gated:
            ways = [
                Way(name="`yt-dlp`, straight", fetch=_command_line_straight),
                Way(name="`yt-dlp`, through the gate", fetch=_command_line_gated),
                Way(name="warm child, straight, no sandbox", fetch=straight),
                Way(name="warm child, through the gate, full sandbox", fetch=gated),
            ]
            for _ in range(ROUNDS):
                for way in ways:
                    way.rounds.append(await _measured(way, site.url))
    pairs = list(zip(ways[::2], ways[1::2], strict=True))
    rows = "\n".join(way.row(without) for without, gated in pairs for way in (without, gated))
    verdicts = ", ".join(
        f"{'met' if _is_met(without, gated) else 'NOT met'} by {gated.name}"
        for without, gated in pairs
    )
    return (
        "| way | seconds | MiB a second | throughput | CPU seconds | CPU |\n"
        "|---|---|---|---|---|---|\n"
        f"{rows}\n\n"
        f"Wanted: a throughput of {WANTED_THROUGHPUT} or more and a CPU of {WANTED_CPU} or less: "
        f"{verdicts}. Best of {ROUNDS} rounds, in turn."
    )


def _is_met(without: Way, gated: Way) -> bool:
    throughput, cpu = without.seconds / gated.seconds, gated.cpu_s / without.cpu_s
    return throughput >= WANTED_THROUGHPUT and cpu <= WANTED_CPU


async def _measured(way: Way, url: str) -> tuple[float, float]:
    with tempfile.TemporaryDirectory() as name:
        before, begun = _cpu(), time.monotonic()
        await way.fetch(url, Path(name))
        seconds = time.monotonic() - begun
        sizes = _sizes(Path(name))
        if sizes != [SIZE_BYTES]:
            message = f"{way.name}: {sizes} bytes arrived"
            raise RuntimeError(message)
        return seconds, _cpu() - before


def _sizes(folder: Path) -> list[int]:
    return [file.stat().st_size for file in folder.rglob("*.mp4")]


async def _command_line_straight(url: str, folder: Path) -> None:
    await _command_line(url, folder, "")


async def _command_line_gated(url: str, folder: Path) -> None:
    passage = Passage(DIRECT, max_bytes=LIMITS.max_bytes, patience=LIMITS.stall_timeout)
    door: asyncio.Future[socket.socket] = asyncio.get_running_loop().create_future()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        door.set_result(listener)
        async with Gate(Judge(OPEN_LOOPBACK)).open(passage, door):
            place = f"127.0.0.1:{listener.getsockname()[1]}"
            await _command_line(url, folder, f"http://{USER}:{passage.token}@{place}")


async def _command_line(url: str, folder: Path, proxy: str) -> None:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "yt_dlp", "--quiet", "--no-warnings", "--no-cache-dir"),
        *("--ignore-config", "--fixup", "never", "-P", str(folder), "--proxy", proxy, url),
    )
    if await process.wait() != 0:
        message = "yt-dlp failed"
        raise RuntimeError(message)


@asynccontextmanager
async def _warm(program: str, sandbox: Sandbox) -> AsyncGenerator[Fetch]:
    """Yield what fetches with a warm child; the look into the file afterwards is part of it."""
    tools, gate = Tools(ffmpeg=None, js_runtime=None), Gate(Judge(OPEN_LOOPBACK))
    runner = Runner(LIMITS, tools, gate, sandbox=sandbox, program=program)
    await runner.start()

    async def fetch(url: str, folder: Path) -> None:
        order = FetchOrder(wish=Wish(url=url), staging=folder, lease=DIRECT)
        await runner.fetch(order, lambda _: None)

    try:
        yield fetch
    finally:
        await runner.close()


def _cpu() -> float:
    """Return the processor seconds of this process, of yt-dlp below it and of what has ended."""
    own = resource.getrusage(resource.RUSAGE_SELF)
    ended = resource.getrusage(resource.RUSAGE_CHILDREN)
    below = 0.0
    for one in psutil.Process().children(recursive=True):
        with suppress(psutil.Error):  # It ended meanwhile; its parent has its figures.
            if "ytdlp" in " ".join(one.cmdline()):
                below += sum(one.cpu_times()[:4])
    return own.ru_utime + own.ru_stime + ended.ru_utime + ended.ru_stime + below
