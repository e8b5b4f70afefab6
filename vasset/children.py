"""One part of V-Asset as a child process: how it starts, how all of it ends."""

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

_DEATHBED = Path(__file__).with_name("deathbed.py")
MARK = "_VASSET_UP"
"""Stands in the environment of every child, so that a later start knows what was left behind.

The underscore keeps it from being read as a setting.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Owner:
    """Whom a program runs as."""

    user: int
    group: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A program that belongs to V-Asset.

    Attributes:
        folder: Its working folder.
        log: Takes its standard output and error, appended.
        stop_signal: Asks it to end in good order.
        death_signal: What it gets from the kernel if we die without stopping it.
        owner: None for ourselves.
    """

    name: str
    command: Sequence[str]
    folder: Path
    log: Path
    environment: Mapping[str, str] = field(default_factory=dict[str, str])
    stop_signal: signal.Signals = signal.SIGTERM
    death_signal: signal.Signals = signal.SIGKILL
    owner: Owner | None = None


def start(part: Part) -> "subprocess.Popen[bytes]":
    """Start a part in a session of its own, so that Ctrl-C in the terminal reaches only us."""
    with part.log.open("ab") as log:
        return subprocess.Popen(  # noqa: S603 - our own command
            wrapped(part.command, part.death_signal, part.owner),
            cwd=part.folder,
            env=dict(part.environment),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            umask=0o077,
        )


def wrapped(command: Sequence[str], death_signal: signal.Signals, owner: Owner | None) -> list[str]:
    """Return a command that does not outlive this process and runs as the given user."""
    user, group = ("-", "-") if owner is None else (str(owner.user), str(owner.group))
    shim = [sys.executable, "-I", "-S", str(_DEATHBED)]
    return [*shim, str(os.getpid()), str(death_signal.value), user, group, *command]


def inherited(mark: Path, **extra: str) -> dict[str, str]:
    """Return our environment for a child, without our settings: those reach it in a file."""
    own = os.environ  # noqa: TID251 - a spawner
    kept = {name: text for name, text in own.items() if not name.startswith("VASSET_")}
    return kept | extra | {MARK: str(mark)}


def of_a_server(mark: Path, **extra: str) -> dict[str, str]:
    """Return our environment for what has to do with the embedded servers alone.

    Without what a person's shell holds for another PostgreSQL: ``PGDATA``, ``PGPORT`` and
    ``PGSERVICE`` speak to the server and its programs too.
    """
    kept = inherited(mark, **extra)
    return {name: text for name, text in kept.items() if not name.startswith("PG")}


def send(process: "subprocess.Popen[bytes]", number: signal.Signals) -> None:
    """Send a signal to a child; nothing happens if it has ended."""
    with contextlib.suppress(ProcessLookupError):
        process.send_signal(number)


def kill_group(process: "subprocess.Popen[bytes]") -> None:
    """Kill a child and whatever it started in its group; call it before the child is reaped."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)


def is_dead(process: "subprocess.Popen[bytes]") -> bool:
    """Return whether a child has ended, leaving it unreaped so that its id stays its own."""
    if process.returncode is not None:
        return True
    flags = os.WEXITED | os.WNOHANG | os.WNOWAIT
    return os.waitid(os.P_PID, process.pid, flags) is not None
