"""The system calls that a child may not make: what neither a fetch nor its programs need.

Landlock bounds files and TCP; what it leaves open is closed here: other sockets, by path above
all, and the kernel's rarer doors. Source: seccomp(2), linux/bpf_common.h; reliability 6.4, M18.
"""

import ctypes
import os
import platform
import socket
import struct
from dataclasses import dataclass

_PR_SET_SECCOMP = 22
_MODE_FILTER = 2

_LOAD, _EQUAL, _AT_LEAST, _ANY_BIT, _AND, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x54, 0x06
_ALLOW, _KILL, _ERRNO = 0x7FFF0000, 0x80000000, 0x00050000
_REFUSE = _ERRNO | 1  # EPERM
_UNKNOWN = _ERRNO | 38  # ENOSYS: the C library then falls back to clone, whose flags can be seen

_NUMBER, _ARCHITECTURE, _FIRST, _SECOND = 0, 4, 16, 24
_X32 = 0x40000000
_NEW_NAMESPACES = 0x7E020080
_TYPE_MASK = 0xF


@dataclass(frozen=True, slots=True, kw_only=True)
class _Calls:
    """The numbers of one architecture."""

    architecture: int
    socket: int
    socketpair: int
    clone: int
    denied: tuple[int, ...]


# Numbers from 424 on are the same everywhere: pidfd_send_signal, io_uring (3), the mount calls (6),
# pidfd_getfd, process_madvise, mount_setattr, open_tree_attr.
_CLONE3 = 435
_COMMON = (424, 425, 426, 427, 428, 429, 430, 431, 432, 433, 438, 440, 442, 467)

# In this order: ptrace, process_vm_readv, process_vm_writev, mount, umount2, pivot_root, chroot,
# setns, unshare, bpf, userfaultfd, perf_event_open, add_key, request_key, keyctl, kexec_load,
# init_module, finit_module, open_by_handle_at, mknodat, personality, kcmp.
# Source: Linux, arch/x86/entry/syscalls/syscall_64.tbl and include/uapi/asm-generic/unistd.h.
_BY_MACHINE = {
    "x86_64": _Calls(
        architecture=0xC000003E,
        socket=41,
        socketpair=53,
        clone=56,
        denied=(
            *(101, 310, 311, 165, 166, 155, 161, 308, 272, 321, 323, 298, 248, 249, 250, 246),
            *(175, 313, 304, 259, 133, 135, 312),
        ),
    ),
    "aarch64": _Calls(
        architecture=0xC00000B7,
        socket=198,
        socketpair=199,
        clone=220,
        denied=(
            *(117, 270, 271, 40, 39, 41, 51, 268, 97, 280, 282, 241, 217, 218, 219, 104),
            *(105, 273, 265, 33, 92, 272),
        ),
    ),
}

_libc = ctypes.CDLL(None, use_errno=True)


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("instructions", ctypes.c_char_p))


def is_known() -> bool:
    """Whether this machine's numbers are known here."""
    return platform.machine() in _BY_MACHINE


def forbid_calls() -> None:
    """Refuse the calls from now on, in this process and all that come from it.

    Needs no_new_privs. On an architecture that is not known here, nothing is done.

    Raises:
        OSError: The kernel does not take the filter.
    """
    calls = _BY_MACHINE.get(platform.machine())
    if calls is None:
        return
    instructions = b"".join(struct.pack("HBBI", *one) for one in _filter(calls))
    program = _Program(len(instructions) // 8, instructions)
    if _libc.prctl(_PR_SET_SECCOMP, _MODE_FILTER, ctypes.byref(program), 0, 0) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


def _filter(calls: _Calls) -> list[tuple[int, int, int, int]]:
    """Return the instructions: code, how many to skip if true, if false, operand."""
    stream, packets = int(socket.SOCK_STREAM), int(socket.SOCK_SEQPACKET)
    return [
        (_LOAD, 0, 0, _ARCHITECTURE),
        (_EQUAL, 1, 0, calls.architecture),
        (_RETURN, 0, 0, _KILL),
        (_LOAD, 0, 0, _NUMBER),
        (_AT_LEAST, 0, 1, _X32),
        (_RETURN, 0, 0, _KILL),
        *_if_called(_CLONE3, [(_RETURN, 0, 0, _UNKNOWN)]),
        *(
            line
            for number in (*calls.denied, *_COMMON)
            for line in _if_called(number, [(_RETURN, 0, 0, _REFUSE)])
        ),
        *_if_called(
            calls.clone,
            [
                (_LOAD, 0, 0, _FIRST),
                (_ANY_BIT, 0, 1, _NEW_NAMESPACES),
                (_RETURN, 0, 0, _REFUSE),
                (_RETURN, 0, 0, _ALLOW),
            ],
        ),
        *_if_called(
            calls.socket,
            [
                (_LOAD, 0, 0, _FIRST),
                (_EQUAL, 2, 0, int(socket.AF_INET)),
                (_EQUAL, 1, 0, int(socket.AF_INET6)),
                (_RETURN, 0, 0, _REFUSE),
                *_allow_types(stream),
            ],
        ),
        # A pair of datagram sockets could still be sent elsewhere by path.
        *_if_called(calls.socketpair, _allow_types(stream, packets)),
        (_RETURN, 0, 0, _ALLOW),
    ]


def _if_called(
    number: int, then: list[tuple[int, int, int, int]]
) -> list[tuple[int, int, int, int]]:
    return [(_EQUAL, 0, len(then), number), *then]


def _allow_types(*types: int) -> list[tuple[int, int, int, int]]:
    """Return what lets pass sockets of these types, and refuses every other."""
    tests = [(_EQUAL, len(types) - place, 0, kind) for place, kind in enumerate(types)]
    return [
        (_LOAD, 0, 0, _SECOND),
        (_AND, 0, 0, _TYPE_MASK),
        *tests,
        (_RETURN, 0, 0, _REFUSE),
        (_RETURN, 0, 0, _ALLOW),
    ]
