"""A proxy's address behind which nothing works."""

import socket
import struct
from typing import Final

from tests.support.listening import Listening

_RESET_ON_CLOSE: Final = struct.pack("ii", 1, 0)


class DeadProxy(Listening):
    """Accepts each connection and resets it, or keeps it and says nothing.

    Args:
        is_silent: Keep the connections open without an answer.
    """

    def __init__(self, *, is_silent: bool = False) -> None:
        super().__init__()
        self._is_silent = is_silent
        self._kept: list[socket.socket] = []
        self.url = f"http://user:password@127.0.0.1:{self.port}"
        #: Connections so far.
        self.connections = 0

    def _meet(self, client: socket.socket) -> None:
        self.connections += 1
        if self._is_silent:
            self._kept.append(client)
            return
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
        client.close()

    def __exit__(self, *_: object) -> None:
        super().__exit__()
        for client in self._kept:
            client.close()
