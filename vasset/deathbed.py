"""The first moments of a child of `vasset up`: who it is and when it must die, then its program.

A program of its own and not subprocess's ``preexec_fn``, which may not run Python between fork
and exec once there are threads. Started with ``-I -S`` it costs 15 ms; it imports the standard
library only.

    python -I -S deathbed.py PARENT SIGNAL USER GROUP PROGRAM [ARGUMENT...]

``SIGNAL`` is what the kernel sends when the parent ends, however it ends. ``USER`` and ``GROUP``
are numbers, or ``-`` to stay who we are.
"""

import ctypes
import os
import sys

_PR_SET_PDEATHSIG = 1
_PR_SET_SECUREBITS = 28
_PR_CAP_AMBIENT = 47
_PR_CAP_AMBIENT_RAISE = 2
_SECBIT_NO_SETUID_FIXUP = 1 << 2
_CAPABILITY_VERSION_3 = 0x2008_0522
_CAP_DAC_OVERRIDE = 1

_libc = ctypes.CDLL(None, use_errno=True)


def die_with_parent(parent: int, number: int) -> None:
    """Ask the kernel for a signal when the parent ends; end at once if it has already."""
    _check(_libc.prctl(_PR_SET_PDEATHSIG, number, 0, 0, 0))
    if os.getppid() != parent:
        sys.exit("its parent has ended")


def become(user: int, group: int) -> None:
    """Become another user, keeping of root's powers only that to pass closed folders.

    PostgreSQL refuses root, and the other user could reach neither the wheel in root's home nor
    the data directory. Opening those folders to everybody, as the wheel itself does, or copying
    40 MB for him would leave traces; one kept capability leaves none.
    """
    # With this bit access(2), by which PostgreSQL looks for its own program, counts it too.
    _check(_libc.prctl(_PR_SET_SECUREBITS, _SECBIT_NO_SETUID_FIXUP, 0, 0, 0))
    os.setgroups([])
    os.setgid(group)
    os.setuid(user)
    mask = 1 << _CAP_DAC_OVERRIDE
    header = (ctypes.c_uint32 * 2)(_CAPABILITY_VERSION_3, 0)
    # Effective, permitted, inheritable; the second three are for capabilities above 31.
    sets = (ctypes.c_uint32 * 6)(mask, mask, mask, 0, 0, 0)
    _check(_libc.capset(header, sets))
    _check(_libc.prctl(_PR_CAP_AMBIENT, _PR_CAP_AMBIENT_RAISE, _CAP_DAC_OVERRIDE, 0, 0))


def _check(result: int) -> None:
    if result != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


def _main(parent: str, number: str, user: str, group: str, *command: str) -> None:
    try:
        if user != "-":
            become(int(user), int(group))
        # After become(): a change of user takes the signal back.
        die_with_parent(int(parent), int(number))
        os.execv(command[0], command)  # noqa: S606 - no shell is wanted
    except OSError as error:
        sys.exit(f"cannot start {command[0]}: {error}")


if __name__ == "__main__":
    _main(*sys.argv[1:])
