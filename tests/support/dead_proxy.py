"""A proxy's address behind which nothing works."""

import contextlib
import socket
import struct
import threading
from typing import Final, Self

_RESET_ON_CLOSE: Final = struct.pack("ii", 1, 0)


class DeadProxy:
    """Accepts each connection and resets it, or keeps it and says nothing.

    Args:
        is_silent: Keep the connections open without an answer.
    """

    def __init__(self, *, is_silent: bool = False) -> None:
        self._is_silent = is_silent
        self._socket = socket.create_server(("127.0.0.1", 0))
        self._kept: list[socket.socket] = []
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self.port = int(self._socket.getsockname()[1])
        self.url = f"http://user:password@127.0.0.1:{self.port}"
        #: Connections so far.
        self.connections = 0

    def _serve(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._socket.accept()
                self.connections += 1
                if self._is_silent:
                    self._kept.append(client)
                    continue
                client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
                client.close()

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        # Closing alone does not wake a thread in accept().
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        self._thread.join(1)
        for client in self._kept:
            client.close()
