"""The sandbox: how strong the walls around a child are, and how strong they must be."""

import os
import socket
from enum import StrEnum

from gateways.ytdlp import cage, namespaces, seccomp, walls


class Sandbox(StrEnum):
    """What the administrator asks for."""

    REQUIRE = "require"
    PREFER = "prefer"
    OFF = "off"


class Level(StrEnum):
    """What the machine gives, the strongest first.

    ``FULL``: namespaces, Landlock and seccomp: a child has no net but the gate.
    ``LANDLOCK``: no namespaces: TCP to the gate's port number only, on any address.
    ``NONE``: limits of size, memory and time alone.
    """

    FULL = "full"
    LANDLOCK = "landlock"
    NONE = "none"


class SandboxMissingError(Exception):
    """This machine cannot give the sandbox that the settings require."""

    def __init__(self, level: Level) -> None:
        super().__init__(
            f"egress.sandbox is 'require', but this machine gives only '{level}':"
            " allow unprivileged user namespaces and Landlock (Linux 5.13 or later),"
            " or set egress.sandbox to 'prefer'"
        )


def check(asked: Sandbox, level: Level) -> None:
    """Do nothing if a level is enough.

    Raises:
        SandboxMissingError: It is not.
    """
    if asked is Sandbox.REQUIRE and level is not Level.FULL:
        raise SandboxMissingError(level)


def enclose(sandbox: Sandbox, control: socket.socket) -> Level:
    """Return how strong the walls will be; with namespaces, in a fork that goes on with it.

    The process that was started waits for that fork, the first of its list of processes: with
    either of them the kernel ends all that ever came from it.

    Args:
        control: For the fork alone.
    """
    abi = 0 if sandbox is Sandbox.OFF or not seccomp.is_known() else walls.abi()
    if abi == 0:
        return Level.NONE
    if not namespaces.are_allowed():
        return Level.LANDLOCK if abi >= walls.MIN_ABI_FOR_TCP else Level.NONE
    namespaces.enter_own()
    started = os.pidfd_open(os.getpid())
    pid = os.fork()
    if pid != 0:
        control.close()
        os._exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) & 0xFF)
    cage.die_with_parent(started)
    os.close(started)
    return Level.FULL
