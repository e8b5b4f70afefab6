"""What an `up` that was killed may have left running in its data directory."""

import contextlib
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

from runtime import logs
from vasset.children import MARK
from vasset.datadir import DataDir

_log = logs.get("vasset.leftovers")

_PATIENCE_S = 5.0
_TICK_S = 0.05
_SERVERS = ("postgres", "valkey-server")
_CLUSTER_LOCK = "postmaster.pid"
_SOCKET_LOCK = ".s.PGSQL.5432.lock"


def clear(data: DataDir) -> None:
    """End what is left of an earlier run; only with the data directory's lock in hand.

    The kernel told every child to end when its parent died, so this mostly waits for
    PostgreSQL to finish; what does not end is killed.
    """
    end = time.monotonic() + _PATIENCE_S
    while found := list(_ours(data)):
        late = time.monotonic() > end
        for pid in found:
            _log.warning("leftover", pid=pid, killed=late)
            _signal(pid, signal.SIGKILL if late else _polite(pid))
        if late and time.monotonic() > end + _PATIENCE_S:
            break
        _wait_for(found, seconds=_PATIENCE_S if not late else 1.0)
    for lock in (data.postgres / _CLUSTER_LOCK, data.sockets() / _SOCKET_LOCK):
        _remove_if_stale(lock, data)


def end_strays(data: DataDir) -> None:
    """Kill what the parts that were just stopped have left; the servers still run."""
    for pid in _ours(data):
        if _name(pid) not in _SERVERS:
            _signal(pid, signal.SIGKILL)


def _ours(data: DataDir) -> Iterator[int]:
    """Yield the living processes that an `up` of this data directory started, but itself."""
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit() or int(entry.name) == os.getpid():
            continue
        with contextlib.suppress(OSError):
            if _belongs(entry, data) and not _is_zombie(entry):
                yield int(entry.name)


def _belongs(entry: Path, data: DataDir) -> bool:
    if _name(int(entry.name)) in _SERVERS:
        # They write their title over their environment, but never leave their folder.
        return (entry / "cwd").readlink() in (data.postgres.resolve(), data.valkey.resolve())
    mark = f"{MARK}={data.root}".encode()
    return mark in (entry / "environ").read_bytes().split(b"\0")


def _is_zombie(entry: Path) -> bool:
    # After the name, which stands in brackets and may hold anything, comes the state.
    return (entry / "stat").read_text(errors="replace").rpartition(")")[2].split()[0] in "ZX"


def _polite(pid: int) -> signal.Signals:
    # SIGINT is PostgreSQL's fast end; to its helpers it means nothing worse than to cancel.
    return signal.SIGINT if _name(pid) == "postgres" else signal.SIGTERM


def _name(pid: int) -> str:
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/comm").read_text(encoding="utf-8", errors="replace").strip()
    return ""


def _signal(pid: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.kill(pid, number)


def _wait_for(pids: list[int], *, seconds: float) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end and any(_is_alive(pid) for pid in pids):
        time.sleep(_TICK_S)


def _is_alive(pid: int) -> bool:
    try:
        return not _is_zombie(Path(f"/proc/{pid}"))
    except OSError:
        return False


def _remove_if_stale(lock: Path, data: DataDir) -> None:
    """Remove a lock file whose process id is not of a living server of this data directory.

    PostgreSQL itself only asks whether there is such an id, and there mostly is: in a container
    it is another program's soon, and of a server that was killed until its parent has reaped it.
    """
    with contextlib.suppress(OSError, ValueError):
        pid = abs(int(lock.read_text(encoding="ascii", errors="replace").split("\n")[0]))
        if pid not in _ours(data):
            lock.unlink()
