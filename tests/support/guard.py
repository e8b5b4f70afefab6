"""The parent of one service: ends it, and all that came from it, when the tests are gone.

Run as a script, before the virtual environment is known: standard library only.
Reads numbers of signals for the service from standard input, one on a line; writes the
service's pid to standard output. End of input means that the tests have died.
"""

import ctypes
import json
import os
import select
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Final

# Source: prctl(2). A process group would not do: PostgreSQL's backends and epmd leave theirs.
_SET_DEATH_SIGNAL: Final = 1
_SET_SUBREAPER: Final = 36
# For what an end of input does not show: a forked copy of the tests may hold the pipe open.
_PARENT_CHECK_S: Final = 0.25
_REAP_PAUSE_S: Final = 0.002


def _prepare(guard_pid: int) -> None:
    """Run in the service's process before it starts."""
    ctypes.CDLL(None).prctl(_SET_DEATH_SIGNAL, signal.SIGKILL)
    if os.getppid() != guard_pid:
        os._exit(1)


def _children() -> list[int]:
    me = os.getpid()
    return [int(pid) for pid in Path(f"/proc/{me}/task/{me}/children").read_text().split()]


def _end_descendants() -> None:
    """Kill the children; their own children become ours and are next."""
    while True:
        # The list may lack some while others end; that none is left, only wait() knows.
        for pid in _children():
            os.kill(pid, signal.SIGKILL)
        try:
            while os.waitpid(-1, os.WNOHANG) != (0, 0):
                pass
        except ChildProcessError:
            return
        time.sleep(_REAP_PAUSE_S)


def _obey(service: "subprocess.Popen[bytes]", tests_pid: int) -> bool:
    """Pass signals on until the service ends. Return whether the tests are still there."""
    ended = os.pidfd_open(service.pid)
    while os.getppid() == tests_pid:
        ready, _, _ = select.select([ended, sys.stdin.fileno()], [], [], _PARENT_CHECK_S)
        if ended in ready:
            return True
        if ready:
            orders = os.read(sys.stdin.fileno(), 1024).split()
            if not orders:
                return False
            for order in orders:
                service.send_signal(int(order))
    return False


def run(plan: dict[str, str], command: list[str], tests_pid: int) -> int:
    """Run the command to its end and return its exit status.

    Args:
        plan: ``folder`` (removed if the tests die), ``log``, ``user`` ("" for ours).
    """
    libc = ctypes.CDLL(None)
    libc.prctl(_SET_SUBREAPER, 1, 0, 0, 0)
    me = os.getpid()
    with Path(plan["log"]).open("ab") as log:
        service = subprocess.Popen(  # noqa: S603 - the command comes from the tests
            command,
            cwd=plan["folder"],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            user=plan["user"] or None,
            extra_groups=[] if plan["user"] else None,
            preexec_fn=lambda: _prepare(me),  # noqa: PLW1509 - this process has one thread
        )
    os.write(sys.stdout.fileno(), f"{service.pid}\n".encode())
    tests_live = _obey(service, tests_pid)
    if not tests_live:
        service.kill()
    status = service.wait()
    _end_descendants()
    if not tests_live:
        shutil.rmtree(plan["folder"], ignore_errors=True)
    return status if status >= 0 else 128 - status


if __name__ == "__main__":
    # The tests end us by the pipe; Ctrl-C in their terminal must not come first.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    sys.exit(run(json.loads(sys.argv[2]), sys.argv[3:], int(sys.argv[1])))
