"""What every real service has in common: a folder, a process, an end."""

import contextlib
import os
import pwd
import shutil
import signal
import tempfile
import time
from abc import ABC, abstractmethod
from pathlib import Path
from typing import ClassVar, Final, Self

import psutil

from tests.support.ports import is_listening
from tests.support.process import Launch, Process

_POLL_S: Final = 0.02


class Service(ABC):
    """A service in a temporary folder, at an address that survives its restarts."""

    #: The signal that asks it to end in good order.
    stop_signal: ClassVar[signal.Signals] = signal.SIGTERM
    #: How long a start may take, in seconds.
    start_timeout_s: ClassVar[float] = 120.0
    #: The TCP port it listens on; 0 for none.
    port: int = 0

    def __init__(self, user: str = "") -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="vasset-"))
        self._user = user
        if user:
            owner = pwd.getpwnam(user)
            os.chown(self.folder, owner.pw_uid, owner.pw_gid)
        self._process: Process | None = None

    @property
    @abstractmethod
    def url(self) -> str:
        """Its address, the same after each restart."""

    @abstractmethod
    def _command(self) -> list[str]:
        """Return the command that runs it in the foreground."""

    @abstractmethod
    def _answers(self) -> bool:
        """Return whether it serves clients now."""

    def _environment(self) -> dict[str, str]:
        return {"HOME": str(self.folder), "PATH": os.defpath, "LANG": "C.UTF-8"}

    @property
    def is_running(self) -> bool:
        """Whether its main process is there; a paused one is."""
        return self._process is not None and self._process.is_running

    @property
    def pid(self) -> int:
        """The main process of the latest start."""
        assert self._process is not None, "not started"
        return self._process.pid

    def start(self) -> None:
        """Start it and wait until it serves clients.

        Raises:
            RuntimeError: It ended or was silent for too long; carries its last output. Or
                another program has its port, which would answer in its place.
        """
        assert not self.is_running, "already running"
        if self.port and is_listening(self.port):
            message = f"port {self.port} is taken"
            raise RuntimeError(message)
        if self._process is not None:
            self._process.end(signal.SIGKILL)
        self._process = Process(
            Launch(
                command=self._command(),
                folder=self.folder,
                environment=self._environment(),
                user=self._user,
            )
        )
        end = time.monotonic() + self.start_timeout_s
        while not self._answers():
            if not self.is_running or time.monotonic() > end:
                message = f"{type(self).__name__} did not start: {self._process.tail()}"
                self.kill()
                raise RuntimeError(message)
            time.sleep(_POLL_S)

    def stop(self) -> None:
        """End it in good order; what it keeps on disk stays."""
        self._end(self.stop_signal)

    def kill(self) -> None:
        """End it as a power cut would, with all its processes."""
        self._end(signal.SIGKILL)

    def restart(self) -> None:
        """Stop it in good order and start it again."""
        self.stop()
        self.start()

    def pause(self) -> None:
        """Freeze all its processes: connections stay open, nothing answers."""
        for process in self._tree():
            # A backend of PostgreSQL may end between the look and the signal.
            with contextlib.suppress(psutil.NoSuchProcess):
                process.suspend()

    def resume(self) -> None:
        """Let it go on after a pause."""
        for process in self._tree():
            with contextlib.suppress(psutil.NoSuchProcess):
                process.resume()

    def close(self) -> None:
        """End it and remove its folder."""
        if self.is_running:
            self.resume()
            self.stop()
        else:
            self.kill()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _tree(self) -> list[psutil.Process]:
        main = psutil.Process(self.pid)
        return [main, *main.children(recursive=True)]

    def _end(self, number: signal.Signals) -> None:
        if self._process is not None:
            self._process.end(number)
            self._process = None

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
