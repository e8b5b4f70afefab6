"""The supervisor with small children of its own."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.waiting import eventually_sync
from vasset import children
from vasset.children import Part
from vasset.supervisor import Pauses, Supervisor, last_line

QUICK = Pauses(first_s=0.05, longest_s=0.2, good_life_s=60)


def scripted(folder: Path, script: str, name: str = "child") -> Part:
    return Part(
        name=name,
        command=[sys.executable, "-I", "-S", "-c", script],
        folder=folder,
        log=folder / f"{name}.log",
        environment={"PATH": os.defpath},
    )


def tended(supervisor: Supervisor, is_reached: Callable[[], object]) -> None:
    def probe() -> object:
        supervisor.tend()
        return is_reached()

    eventually_sync(probe)


def starts(log: Path) -> list[float]:
    return [float(line) for line in log.read_text().split()] if log.exists() else []


def is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


@pytest.mark.parametrize(
    ("deaths", "pause_s"), [(1, 0.5), (2, 1), (3, 2), (6, 16), (7, 30), (5000, 30)]
)
def test_the_pause_doubles_up_to_half_a_minute(deaths: int, pause_s: float) -> None:
    assert Pauses().after(deaths) == pause_s


def test_a_part_that_dies_is_started_again_after_a_growing_pause(tmp_path: Path) -> None:
    supervisor = Supervisor(pauses=QUICK)
    part = scripted(tmp_path, "import time; print(time.monotonic())")

    supervisor.add(part)
    tended(supervisor, lambda: len(starts(part.log)) >= 4)
    supervisor.stop(["child"], 1)

    first, second, third, fourth = starts(part.log)[:4]
    assert second - first >= 0.05
    assert third - second >= 0.1
    assert fourth - third >= 0.2


def test_a_good_life_forgets_the_deaths_before(tmp_path: Path) -> None:
    supervisor = Supervisor(pauses=Pauses(first_s=0.01, longest_s=9, good_life_s=0))
    part = scripted(tmp_path, "print(1)")

    supervisor.add(part)
    tended(supervisor, lambda: len(starts(part.log)) >= 4)
    supervisor.stop(["child"], 1)

    assert supervisor.pids() == set()


def test_stop_asks_first(tmp_path: Path) -> None:
    script = (
        "import signal, sys\n"
        "signal.signal(signal.SIGTERM, lambda *_: (print('asked', flush=True), sys.exit(0)))\n"
        "print('up', flush=True)\n"
        "signal.pause()"
    )
    supervisor = Supervisor(pauses=QUICK)
    part = scripted(tmp_path, script)
    supervisor.add(part)
    tended(supervisor, lambda: part.log.read_text() == "up\n")

    supervisor.stop(["child"], 30)

    assert last_line(part.log) == "asked"


def test_stop_kills_what_does_not_listen_with_its_children(tmp_path: Path) -> None:
    script = (
        "import os, signal\n"
        "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        "if os.fork(): print(os.getpid(), flush=True)\n"
        "else: print(os.getpid(), flush=True)\n"
        "while True: signal.pause()"
    )
    supervisor = Supervisor(pauses=QUICK)
    part = scripted(tmp_path, script)
    supervisor.add(part)
    tended(supervisor, lambda: len(starts(part.log)) == 2)
    pids = [int(line) for line in part.log.read_text().split()]

    begun = time.monotonic()
    supervisor.stop(["child"], 0.3)

    assert time.monotonic() - begun < 20
    eventually_sync(lambda: not any(is_alive(pid) for pid in pids))


def test_a_hurry_ends_the_grace(tmp_path: Path) -> None:
    script = (
        "import signal; signal.signal(15, signal.SIG_IGN); print(1, flush=True); signal.pause()"
    )
    supervisor = Supervisor(pauses=QUICK)
    part = scripted(tmp_path, script)
    supervisor.add(part)
    tended(supervisor, lambda: starts(part.log))

    begun = time.monotonic()
    supervisor.stop(["child"], 30, lambda: True)

    assert time.monotonic() - begun < 20


def test_nothing_outlives_a_killed_supervisor(tmp_path: Path) -> None:
    log = tmp_path / "child.log"
    script = (
        "import sys, time\n"
        "from pathlib import Path\n"
        "from vasset.children import Part, start\n"
        "code = 'import os, signal; print(os.getpid(), flush=True); signal.pause()'\n"
        "start(Part(name='c', command=[sys.executable, '-c', code], folder=Path(sys.argv[1]),\n"
        "           log=Path(sys.argv[1]) / 'child.log'))\n"
        "time.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", script, str(tmp_path)]) as parent:  # noqa: S603
        pid = int(eventually_sync(lambda: log.exists() and log.read_text().strip()) or 0)
        parent.kill()

    eventually_sync(lambda: not is_alive(pid))


def test_a_program_that_is_not_there_says_so_in_its_log(tmp_path: Path) -> None:
    part = Part(name="x", command=["/nowhere/x"], folder=tmp_path, log=tmp_path / "x.log")

    process = children.start(part)

    assert process.wait(60) == 1
    assert last_line(part.log) == "cannot start /nowhere/x: [Errno 2] No such file or directory"


def test_a_child_hears_the_signals_that_the_parent_handles(tmp_path: Path) -> None:
    part = scripted(tmp_path, "import signal; print(1, flush=True); signal.pause()")
    process = children.start(part)
    eventually_sync(lambda: starts(part.log))

    children.send(process, signal.SIGTERM)

    assert process.wait(60) == -signal.SIGTERM
