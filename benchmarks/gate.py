"""One file of 1 GiB: a yt-dlp child through the egress gate, beside the same child without it."""

import asyncio
import resource
import tempfile
import time
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import psutil

from benchmarks.raw_site import RawSite
from domain.download import ProxyLease
from domain.requests import Wish
from gateways.egress.gate import Gate
from gateways.egress.judge import Judge
from gateways.ytdlp.options import FetchLimits, FetchOrder, Tools
from gateways.ytdlp.runner import Runner
from gateways.ytdlp.sandbox import Sandbox
from tests.support.fetching import OPEN_LOOPBACK

SIZE_BYTES = 1 << 30
ROUNDS = 5
WANTED_THROUGHPUT = 0.85
WANTED_CPU = 1.4

LIMITS = FetchLimits(
    max_bytes=SIZE_BYTES * 2,
    time_limit=timedelta(minutes=5),
    stall_timeout=timedelta(seconds=30),
    connections=1,
    spare_children=1,
)

# The same server, the same child, the same cage but for the net: what differs is the gate.
_STRAIGHT = """
import sys
sys.path.append(sys.argv.pop(1))
from gateways.ytdlp import child
from gateways.ytdlp.server import main
main(lambda start, gate, tell: child.fetch(start, "", tell))
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """One way of fetching the file: its fastest time and its least processor time.

    Attributes:
        cpu_s: Of the child, its server and this process, the site left out.
    """

    name: str
    seconds: float
    cpu_s: float

    def row(self, first: "Result") -> str:
        """Return it as a row of a table."""
        return (
            f"| {self.name} | {self.seconds:.2f} | {SIZE_BYTES / 2**20 / self.seconds:.0f} "
            f"| {first.seconds / self.seconds:.2f} | {self.cpu_s:.2f} "
            f"| {self.cpu_s / first.cpu_s:.2f} |"
        )


def run() -> str:
    """Measure both ways in turn and return the table."""
    return asyncio.run(_run())


async def _run() -> str:
    from gateways.ytdlp.spawning import PROGRAM  # noqa: PLC0415 - beside its counterpart

    ways: dict[str, list[tuple[float, float]]] = {"without the gate": [], "through the gate": []}
    with RawSite(SIZE_BYTES) as site:
        for _ in range(ROUNDS):
            ways["without the gate"].append(await _fetched(site.url, _STRAIGHT, Sandbox.OFF))
            ways["through the gate"].append(await _fetched(site.url, PROGRAM, Sandbox.REQUIRE))
    results = [
        Result(
            name=name,
            seconds=min(seconds for seconds, _ in figures),
            cpu_s=min(cpu for _, cpu in figures),
        )
        for name, figures in ways.items()
    ]
    straight, gated = results
    is_met = (
        straight.seconds / gated.seconds >= WANTED_THROUGHPUT
        and gated.cpu_s / straight.cpu_s <= WANTED_CPU
    )
    rows = "\n".join(result.row(straight) for result in results)
    return (
        "| way | seconds | MiB a second | throughput | CPU seconds | CPU |\n"
        "|---|---|---|---|---|---|\n"
        f"{rows}\n\n"
        f"Wanted: a throughput of {WANTED_THROUGHPUT} or more and a CPU of {WANTED_CPU} or less: "
        f"{'met' if is_met else 'NOT met'}. Best of {ROUNDS} rounds, in turn."
    )


async def _fetched(url: str, program: str, sandbox: Sandbox) -> tuple[float, float]:
    """Return wall and processor seconds of one fetch; the look into the file is left out."""
    runner = Runner(
        LIMITS,
        Tools(ffmpeg=None, js_runtime=None),
        Gate(Judge(OPEN_LOOPBACK)),
        sandbox=sandbox,
        program=program,
    )
    await runner.start()
    with tempfile.TemporaryDirectory() as folder:
        order = FetchOrder(
            wish=Wish(url=url),
            staging=Path(folder),
            lease=ProxyLease(url=None, exit_name="direct"),
        )
        before, begun = _cpu(), time.monotonic()
        media = await runner.fetch(order, lambda _: None)
        seconds = time.monotonic() - begun
        cpu = _cpu() - before
    await runner.close()
    if media.size_bytes != SIZE_BYTES:
        message = f"{media.size_bytes} bytes arrived"
        raise RuntimeError(message)
    return seconds, cpu


def _cpu() -> float:
    """Return the processor seconds of this process and of all fetching below it."""
    own = resource.getrusage(resource.RUSAGE_SELF)
    below = 0.0
    for one in psutil.Process().children(recursive=True):
        with suppress(psutil.Error):  # It ended meanwhile; its parent has its figures.
            if "ytdlp" in " ".join(one.cmdline()):
                below += sum(one.cpu_times()[:4])
    return own.ru_utime + own.ru_stime + below
