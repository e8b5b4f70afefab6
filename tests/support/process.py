"""One running service process that cannot outlive the tests."""

import contextlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

_GUARD = Path(__file__).with_name("guard.py")


@dataclass(frozen=True, slots=True, kw_only=True)
class Launch:
    """How a service is started.

    Attributes:
        folder: Its working folder, removed by the guard if the tests are killed.
        user: Whom it runs as; empty means the tests' own user.
    """

    command: Sequence[str]
    folder: Path
    environment: Mapping[str, str]
    user: str = ""

    @property
    def log(self) -> Path:
        """Where its output goes."""
        return self.folder / "output.log"


class Process:
    """A service under a guard, which ends it whatever becomes of the tests."""

    def __init__(self, launch: Launch) -> None:
        self._launch = launch
        plan = {"folder": str(launch.folder), "log": str(launch.log), "user": launch.user}
        # -I -S: the guard needs no site packages and starts in 20 ms.
        self._guard = subprocess.Popen(  # noqa: S603 - the command is our own
            [
                *(sys.executable, "-I", "-S", str(_GUARD)),
                *(str(os.getpid()), json.dumps(plan), *launch.command),
            ],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=dict(launch.environment),
            start_new_session=True,
        )
        assert self._guard.stdout is not None
        line = self._guard.stdout.readline()
        if not line:
            self._close()
            message = f"could not start {launch.command[0]}"
            raise RuntimeError(message)
        self.pid = int(line)

    @property
    def is_running(self) -> bool:
        """Whether the service's main process is still there."""
        return self._guard.poll() is None

    def send(self, number: signal.Signals) -> None:
        """Send a signal to the main process; nothing happens if it has ended."""
        assert self._guard.stdin is not None
        with contextlib.suppress(BrokenPipeError):
            self._guard.stdin.write(f"{number.value}\n".encode())
            self._guard.stdin.flush()

    def end(self, number: signal.Signals, timeout_s: float = 30.0) -> None:
        """Send a signal and wait until nothing is left, with SIGKILL after the timeout."""
        self.send(number)
        try:
            self._guard.wait(timeout_s)
        except subprocess.TimeoutExpired:
            self.send(signal.SIGKILL)
            self._guard.wait(timeout_s)
        self._close()

    def tail(self, characters: int = 2000) -> str:
        """Return the end of the service's output, for an error."""
        return self._launch.log.read_text(errors="replace")[-characters:]

    def _close(self) -> None:
        for pipe in (self._guard.stdin, self._guard.stdout):
            assert pipe is not None
            with contextlib.suppress(BrokenPipeError):
                pipe.close()
        self._guard.wait(30)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.end(signal.SIGKILL)
