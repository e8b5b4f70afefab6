"""Namespaces: a net, a list of processes and a set of identities of a process's own.

No privilege is needed where the machine lets users make user namespaces.
Source: user_namespaces(7), pid_namespaces(7), network_namespaces(7), capabilities(7).
"""

import ctypes
import fcntl
import os
import socket
import struct
from collections.abc import Callable
from pathlib import Path

_NEWUSER = 0x10000000
_NEWPID = 0x20000000
_NEWNET = 0x40000000
_NEWIPC = 0x08000000

_PR_CAPBSET_DROP = 24
_PR_SET_SECUREBITS = 28
# No capability comes back by being user 0: NOROOT, NO_SETUID_FIXUP, NO_CAP_AMBIENT_RAISE, locked.
_SECUREBITS = 0b1100_1111
_CAPABILITY_VERSION_3 = 0x20080522
_SIOCSIFFLAGS = 0x8914
_IFF_UP = 1

MAX_PROCESSES = 512
"""Of one child, its threads and all that it starts; the kernel takes none below 301."""

_libc = ctypes.CDLL(None, use_errno=True)


def are_allowed() -> bool:
    """Whether this machine lets us have all of them, tried in a process that then ends.

    Some allow the first step and refuse the next, when it is too late to go back.
    """
    pid = os.fork()
    if pid == 0:
        status = os.EX_NOPERM
        try:
            enter_own()
            status = _tried(lambda: _tried(leave_the_net))
        except OSError:
            pass
        finally:
            os._exit(status)
    return os.waitpid(pid, 0)[1] == 0


def enter_own() -> None:
    """Give this process identities of its own, and its next child a list of processes."""
    _unshare(_NEWUSER | _NEWPID, identity=(os.geteuid(), os.getegid()))


def let_next_fork_begin_anew(own: int) -> None:
    """Have the next fork be the first process of a list of its own.

    Args:
        own: A pidfd of this process, to come back to its own list before the one after.
    """
    _check(_libc.setns(own, _NEWPID))
    _unshare(_NEWPID)


def leave_the_net() -> None:
    """Leave this process no net but a loopback of its own, and bound how many it can become."""
    _unshare(_NEWUSER | _NEWNET | _NEWIPC, identity=(os.geteuid(), os.getegid()))
    with socket.socket() as probe:
        request = struct.pack("16sh14x", b"lo", _IFF_UP)
        fcntl.ioctl(probe.fileno(), _SIOCSIFFLAGS, request)
    if os.geteuid() == 0:
        _bound_the_list()


def drop_capabilities() -> None:
    """Give up every power that a namespace of one's own brings; nothing brings it back."""
    last = int(Path("/proc/sys/kernel/cap_last_cap").read_text(encoding="ascii"))
    for capability in range(last + 1):
        _check(_libc.prctl(_PR_CAPBSET_DROP, capability, 0, 0, 0))
    _check(_libc.prctl(_PR_SET_SECUREBITS, _SECUREBITS, 0, 0, 0))
    header = struct.pack("Ii", _CAPABILITY_VERSION_3, 0)
    _check(_libc.capset(header, bytes(24)))


def _tried(step: Callable[[], int | None]) -> int:
    """Return the exit status of a fork that takes a step: 0 if it could."""
    pid = os.fork()
    if pid == 0:
        status = os.EX_NOPERM
        try:
            let_next_fork_begin_anew(os.pidfd_open(os.getpid()))
            status = step() or 0
        except OSError:
            pass
        finally:
            os._exit(status)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def _bound_the_list() -> None:
    """Bound the process ids of this list, since RLIMIT_NPROC does not bind the superuser."""
    try:
        Path("/proc/sys/kernel/pid_max").write_text(str(MAX_PROCESSES), encoding="ascii")
    except OSError:
        return  # Before Linux 6.14 the number is the whole machine's and not ours to set.


def _unshare(flags: int, *, identity: tuple[int, int] | None = None) -> None:
    _check(_libc.unshare(flags))
    if identity is not None:
        user, group = identity
        own = Path("/proc/self")
        (own / "setgroups").write_text("deny", encoding="ascii")
        (own / "uid_map").write_text(f"{user} {user} 1", encoding="ascii")
        (own / "gid_map").write_text(f"{group} {group} 1", encoding="ascii")


def _check(result: int) -> None:
    if result != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
