"""Files through V-Asset, beside nginx with sendfile on the same files in the same run."""

import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field

import psutil

from benchmarks.discarding import Link, Stream, Taking
from benchmarks.plain_nginx import PlainNginx
from benchmarks.shelf import PER_USER, Shelf, open_shelf
from tests.support.nginx import Nginx

ONE_BYTES = 1 << 30
USERS, EACH_BYTES = 10, 100 << 20
STREAMS = USERS * PER_USER
BESIDE = 40
ASKED = 300
ROUNDS = 5
WANTED_ONE, WANTED_MANY, WANTED_CPU, WANTED_MIB, WANTED_FIRST_MS = 0.9, 0.8, 2.0, 2.0, 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Round:
    """One measurement: seconds, CPU seconds a GiB, growth of memory in bytes."""

    seconds: float
    cpu_per_gib: float
    grown_bytes: int


@dataclass(slots=True, kw_only=True)
class Way:
    """One way of sending the files.

    Attributes:
        one: The link to the large file.
        many: Links to the smaller ones, one for each stream.
        pids: Of the processes whose work counts.
    """

    name: str
    one: Link
    many: Sequence[Link]
    pids: Sequence[int]
    one_rounds: list[Round] = field(default_factory=list[Round])
    many_rounds: list[Round] = field(default_factory=list[Round])
    first_ms: list[float] = field(default_factory=list[float])

    def measure(self) -> None:
        """Take everything once."""
        self.one_rounds.append(self._round([self.one], ONE_BYTES))
        self.many_rounds.append(self._round(self.many, EACH_BYTES))

    def measure_first_bytes(self) -> None:
        """Ask for one byte again and again while other streams take all they get."""
        streams = [self.many[number % len(self.many)] for number in range(BESIDE)]
        takings: list[Taking] = []
        while len(self.first_ms) < ASKED:
            if not any(taking.is_running for taking in takings):
                takings = [Taking(streams, EACH_BYTES)]
                time.sleep(0.3)
            stream = Stream(self.one, 1)
            stream.read(bytearray(1))
            stream.socket.close()
            if any(taking.is_running for taking in takings):
                self.first_ms.append(stream.first_byte_s * 1000)
            time.sleep(0.005)
        for taking in takings:
            taking.wait()

    @property
    def p99_ms(self) -> float:
        """Return the first byte's 99th percentile in milliseconds."""
        return sorted(self.first_ms)[int(len(self.first_ms) * 0.99)]

    def _round(self, links: Sequence[Link], size_bytes: int) -> Round:
        cpu, memory = self._cpu(), self._memory()
        taking, peak = Taking(links, size_bytes), 0
        while taking.is_running:
            peak = max(peak, self._memory())
            time.sleep(0.05)
        seconds = taking.wait().seconds
        gib = len(links) * size_bytes / 2**30
        return Round(
            seconds=seconds,
            cpu_per_gib=(self._cpu() - cpu) / gib,
            grown_bytes=max(peak - memory, 0),
        )

    def _tree(self) -> list[psutil.Process]:
        mothers = [psutil.Process(pid) for pid in self.pids]
        return [*mothers, *(child for mother in mothers for child in mother.children())]

    def _cpu(self) -> float:
        return sum(sum(process.cpu_times()[:2]) for process in self._tree())

    def _memory(self) -> int:
        return sum(process.memory_info().rss for process in self._tree())


def run() -> str:
    """Measure all ways in turn and return the table."""
    with ExitStack() as stack:
        ways = _ways(stack, stack.enter_context(open_shelf()))
        for _ in range(ROUNDS):
            for way in ways:
                way.measure()
        for way in ways:
            way.measure_first_bytes()
    return _table(ways)


def _ways(stack: ExitStack, shelf: Shelf) -> list[Way]:
    large, *small = shelf.put([ONE_BYTES, *[EACH_BYTES] * USERS])
    nginx = stack.enter_context(PlainNginx(shelf.root))
    port, web = stack.enter_context(shelf.web())
    behind, judging = stack.enter_context(shelf.web(delivery__offload="x-accel"))
    front = stack.enter_context(Nginx(behind, shelf.root))

    def plain(path: str) -> Link:
        return Link(f"http://127.0.0.1:{nginx.port}/{path}")

    paths = [str(book.path.relative_to(shelf.root)) for book in (large, *small)]
    return [
        Way(
            name="nginx, files alone",
            one=plain(paths[0]),
            many=[plain(path) for path in paths[1:] * PER_USER],
            pids=[nginx.pid],
        ),
        Way(
            name="V-Asset",
            one=large.at(port),
            many=[book.at(port) for book in small * PER_USER],
            pids=[web],
        ),
        Way(
            name="V-Asset behind its nginx (`x-accel`)",
            one=large.at(front.port),
            many=[book.at(front.port) for book in small * PER_USER],
            pids=[judging, front.pid],
        ),
    ]


def _table(ways: list[Way]) -> str:
    rows = "\n".join(_row(way, ways[0]) for way in ways)
    nginx, ours = ways[:2]
    verdicts = {
        f"{WANTED_ONE} of nginx for one stream": _speed(ours, nginx)[0] >= WANTED_ONE,
        f"{WANTED_MANY} for {STREAMS}": _speed(ours, nginx)[1] >= WANTED_MANY,
        f"its CPU {WANTED_CPU:.0f} times at most": max(_cpus(ours, nginx)) <= WANTED_CPU,
        f"{WANTED_MIB:.0f} MiB for each stream": _grown_mib(ours) / STREAMS <= WANTED_MIB,
        f"first byte p99 under {WANTED_FIRST_MS} ms": ours.p99_ms < WANTED_FIRST_MS,
    }
    told = ", ".join(f"{what}: {'met' if met else 'NOT met'}" for what, met in verdicts.items())
    return (
        f"| way | 1 stream, s | of nginx | CPU s/GiB | {STREAMS} streams, s | of nginx "
        "| CPU s/GiB | CPU, times nginx's | memory grown, MiB | first byte p99, ms |\n"
        "|---|---|---|---|---|---|---|---|---|---|\n"
        f"{rows}\n\n"
        f"Wanted of V-Asset alone: {told}. Median of {ROUNDS} rounds, in turn."
    )


def _row(way: Way, nginx: Way) -> str:
    one, many = median(way.one_rounds), median(way.many_rounds)
    (speed_one, speed_many), (cpu_one, cpu_many) = _speed(way, nginx), _cpus(way, nginx)
    return (
        f"| {way.name} | {one.seconds:.2f} | {speed_one:.2f} | {one.cpu_per_gib:.2f} "
        f"| {many.seconds:.2f} | {speed_many:.2f} | {many.cpu_per_gib:.2f} "
        f"| {cpu_one:.1f}, {cpu_many:.1f} | {_grown_mib(way):.0f} | {way.p99_ms:.0f} |"
    )


def median(rounds: list[Round]) -> Round:
    """Return the middle value of each figure."""
    middle = len(rounds) // 2
    return Round(
        seconds=sorted(one.seconds for one in rounds)[middle],
        cpu_per_gib=sorted(one.cpu_per_gib for one in rounds)[middle],
        grown_bytes=max(one.grown_bytes for one in rounds),
    )


def _speed(way: Way, nginx: Way) -> tuple[float, float]:
    return (
        median(nginx.one_rounds).seconds / median(way.one_rounds).seconds,
        median(nginx.many_rounds).seconds / median(way.many_rounds).seconds,
    )


def _cpus(way: Way, nginx: Way) -> tuple[float, float]:
    return (
        median(way.one_rounds).cpu_per_gib / median(nginx.one_rounds).cpu_per_gib,
        median(way.many_rounds).cpu_per_gib / median(nginx.many_rounds).cpu_per_gib,
    )


def _grown_mib(way: Way) -> float:
    return median(way.many_rounds).grown_bytes / 2**20
