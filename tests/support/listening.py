"""A listener of ours on a port of its own, in a thread."""

import contextlib
import socket
import threading
from abc import ABC, abstractmethod
from typing import Self


class Listening(ABC):
    """Accepts connections from ``with`` to its end, and leaves each to a subclass."""

    def __init__(self, host: str = "127.0.0.1") -> None:
        self._socket = socket.create_server((host, 0))
        self.port = int(self._socket.getsockname()[1])
        self._thread = threading.Thread(target=self._serve, daemon=True)

    @abstractmethod
    def _meet(self, client: socket.socket) -> None:
        """Take over a connection; what it waits for, the next one waits for."""

    def _serve(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                self._meet(self._socket.accept()[0])

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        # Closing alone does not wake a thread in accept().
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        self._thread.join(1)
