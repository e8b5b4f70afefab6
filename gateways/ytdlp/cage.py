"""What the kernel holds a child to: its limits, its privileges, its death."""

import ctypes
import os
import resource
import select
import signal
from collections.abc import Callable
from datetime import timedelta

from gateways.ytdlp.namespaces import MAX_PROCESSES

# Source: linux/prctl.h.
_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36
_PR_SET_NO_NEW_PRIVS = 38

# A compressed page of 600 KB reached 1.28 GB. Source: reliability M8.
MAX_MEMORY_BYTES = 1_536 * 1024 * 1024
MAX_OPEN_FILES = 256

_libc = ctypes.CDLL(None, use_errno=True)


def _prctl(option: int, value: int) -> None:
    if _libc.prctl(option, value, 0, 0, 0) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


def die_with_parent(parent: int) -> None:
    """Let the kernel kill this process when the thread that started it ends.

    Args:
        parent: A pidfd of the process that started this one; if that is already gone, this call
            does not return. Not its number, which means nothing in another list of processes.
    """
    _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    # The parent may have died before the request was made; then nothing would ever come.
    if select.select([parent], [], [], 0)[0]:
        os._exit(os.EX_OSERR)


def adopt_orphans() -> None:
    """Become the parent of every descendant whose own parent ends, so that it can be reaped."""
    _prctl(_PR_SET_CHILD_SUBREAPER, 1)


def forbid_new_privileges() -> None:
    """Make setuid programs powerless for this process and all that come from it."""
    _prctl(_PR_SET_NO_NEW_PRIVS, 1)


def lower_limits(*, max_bytes: int, time_limit: timedelta) -> None:
    """Bound what this process may write, hold and compute.

    The memory bound is soft: see ``lift_memory_limit``.

    Args:
        max_bytes: Of one file; the kernel allows 1 % more, so that our own check speaks first.
        time_limit: Twice of it may be computed, on all processors together.
    """
    _lower(resource.RLIMIT_FSIZE, max_bytes + max_bytes // 100)
    seconds = 2 * max(1, int(time_limit.total_seconds()))
    # The bound under the hard one, or the kernel kills without saying why.
    _lower(resource.RLIMIT_CPU, seconds, grace=5)
    _lower(resource.RLIMIT_NOFILE, MAX_OPEN_FILES)
    _lower(resource.RLIMIT_CORE, 0)
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    bounded = hard != resource.RLIM_INFINITY and hard < MAX_MEMORY_BYTES
    resource.setrlimit(resource.RLIMIT_AS, (hard if bounded else MAX_MEMORY_BYTES, hard))


def bound_processes() -> None:
    """Bound how many processes there may be, in identities of this process's own.

    Elsewhere the kernel would count all that this user runs on the machine; those of the superuser
    it never counts, see ``namespaces``.
    """
    _lower(resource.RLIMIT_NPROC, MAX_PROCESSES)


def _lower(limit: int, value: int, *, grace: int = 0) -> None:
    _, hard = resource.getrlimit(limit)
    if hard == resource.RLIM_INFINITY or hard > value + grace:
        hard = value + grace
    resource.setrlimit(limit, (min(value, hard), hard))


def lift_memory_limit() -> None:
    """Take back the bound on memory, and only that one."""
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (hard, hard))


def for_program() -> Callable[[], None]:
    """Return what a program started by this process does to itself before it begins."""
    parent = os.pidfd_open(os.getpid())

    def before_exec() -> None:
        # A JavaScript engine reserves far more addresses than it ever uses.
        lift_memory_limit()
        die_with_parent(parent)

    return before_exec
