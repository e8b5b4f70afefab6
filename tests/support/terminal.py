"""Our client, as a person has it: a folder for settings of their own, a pipe or a terminal."""

import os
import pty
import signal
import subprocess
import sys
from pathlib import Path


class Shell:
    """Somebody's home, from which the program is run.

    Args:
        environment: On top of what every run has; no settings of the tests' own get in.
    """

    def __init__(self, home: Path, **environment: str) -> None:
        self.home = home
        self.videos = home / "videos"
        self.data = home / "share" / "vasset"
        self._environment = {
            "PATH": os.defpath,
            "HOME": str(home),
            "XDG_CONFIG_HOME": str(home / "config"),
            "XDG_DATA_HOME": str(home / "share"),
            "TERM": "xterm-256color",
            "COLUMNS": "160",
            **environment,
        }

    def start(self, *words: str, **environment: str) -> "subprocess.Popen[str]":
        """Start the program with pipes."""
        return subprocess.Popen(  # noqa: S603 - our own program
            _command(words),
            env=self._environment | environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(
        self, *words: str, said: str = "", **environment: str
    ) -> "subprocess.CompletedProcess[str]":
        """Run the program to its end, with pipes."""
        process = self.start(*words, **environment)
        try:
            out, error = process.communicate(said, timeout=120)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGTERM)
            raise
        return subprocess.CompletedProcess(words, process.returncode, out, error)

    def on_terminal(self, *words: str, said: str = "", when: str = "") -> tuple[int, str]:
        """Run the program to its end on a terminal; return its status and all it wrote.

        Args:
            said: Is typed as soon as ``when`` stands there.
        """
        mine, theirs = pty.openpty()
        process = subprocess.Popen(  # noqa: S603 - our own program
            _command(words), env=self._environment, stdin=theirs, stdout=theirs, stderr=theirs
        )
        os.close(theirs)
        written = ""
        while not written.endswith(when) and (piece := _read(mine)):
            written += piece
        os.write(mine, said.encode())
        while piece := _read(mine):
            written += piece
        os.close(mine)
        return process.wait(120), written

    def saved(self) -> list[str]:
        """Return the names in the folder for videos."""
        return sorted(path.name for path in self.videos.iterdir()) if self.videos.is_dir() else []


def _command(words: tuple[str, ...]) -> list[str]:
    return [sys.executable, "-m", "vasset.main", *words]


def _read(terminal: int) -> str:
    """Return what was written next; a terminal whose other end is closed raises at its end."""
    try:
        return os.read(terminal, 65_536).decode(errors="replace")
    except OSError:
        return ""
