"""`vasset up` as a person starts it, and what it leaves behind."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Self

import psutil

READY = re.compile(r"V-Asset is ready at (http://\S+)")


class Program:
    """The program on a data directory of its own, with what it printed."""

    def __init__(
        self,
        data: Path,
        environment: Mapping[str, str],
        program: Sequence[str] = (sys.executable, "-m", "vasset.main"),
        port: int = 0,
    ) -> None:
        self._log = data.with_suffix(".log")
        self._begun = time.monotonic()
        with self._log.open("ab") as sink:
            self.process = subprocess.Popen(  # noqa: S603 - our own program
                [*program, "up", "--data", str(data), "--port", str(port)],
                env=os.environ | dict(environment),  # noqa: TID251 - it needs PATH
                stdout=sink,
                stderr=sink,
            )
        self.url = ""
        self.ready_after_s = 0.0

    @property
    def output(self) -> str:
        """Everything that it and an earlier run on the same directory printed."""
        return self._log.read_text()

    def wait_until_ready(self, timeout_s: float = 120) -> None:
        """Return when it has printed its address.

        Raises:
            AssertionError: It ended or took too long.
        """
        end = time.monotonic() + timeout_s
        said_before = len(READY.findall(self.output))
        while time.monotonic() < end and self.process.poll() is None:
            said = READY.findall(self.output)
            if len(said) > said_before or (said and not said_before):
                self.url = said[-1]
                self.ready_after_s = time.monotonic() - self._begun
                return
            time.sleep(0.05)
        raise AssertionError(self.output)

    def family(self) -> list[psutil.Process]:
        """Return it and every process below it."""
        mother = psutil.Process(self.process.pid)
        return [mother, *mother.children(recursive=True)]

    def stop(self, number: signal.Signals = signal.SIGTERM) -> float:
        """Ask it to end and return how many seconds it took."""
        begun = time.monotonic()
        self.process.send_signal(number)
        self.process.wait(60)
        return time.monotonic() - begun

    def __enter__(self) -> Self:
        self.wait_until_ready()
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.stop()
