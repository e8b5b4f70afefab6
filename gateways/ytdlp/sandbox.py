"""The sandbox: how strong the walls around a child are, and how strong they must be."""

from enum import StrEnum


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
