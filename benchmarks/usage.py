"""What a tree of processes has used: processor seconds and peak memory."""

import threading
from collections.abc import Generator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

import psutil

SAMPLE_EVERY_S = 0.1


@dataclass(slots=True)
class Usage:
    """What was used between the beginning and the end of a measurement.

    Attributes:
        peak_bytes: The largest sum of what each process had to itself at one instant (USS),
            so that pages shared by forked processes are not counted many times.
    """

    cpu_s: float = 0.0
    peak_bytes: int = 0


@contextmanager
def measured(mother: psutil.Process) -> Generator[Usage]:
    """Measure a process and all below it; read the result after the block."""
    usage = Usage()
    before = _cpu(mother)
    done = threading.Event()

    def sample() -> None:
        while not done.wait(SAMPLE_EVERY_S):
            usage.peak_bytes = max(usage.peak_bytes, sum(map(_own_bytes, _tree(mother))))

    sampler = threading.Thread(target=sample)
    sampler.start()
    try:
        yield usage
    finally:
        done.set()
        sampler.join()
        usage.cpu_s = _cpu(mother) - before


def _tree(mother: psutil.Process) -> list[psutil.Process]:
    with suppress(psutil.NoSuchProcess):
        return [mother, *mother.children(recursive=True)]
    return []


def _cpu(mother: psutil.Process) -> float:
    """Return the seconds of all living processes and of those that their parents have reaped."""
    seconds = 0.0
    for process in _tree(mother):
        with suppress(psutil.NoSuchProcess):
            seconds += sum(process.cpu_times()[:4])
    return seconds


def _own_bytes(process: psutil.Process) -> int:
    with suppress(psutil.NoSuchProcess, psutil.AccessDenied):
        return int(process.memory_full_info().uss)
    return 0
