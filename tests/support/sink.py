"""A listener that must hear nothing."""

import contextlib
import socket
import threading
from typing import Self


class Sink:
    """Counts the connections to a port on every loopback address."""

    def __init__(self) -> None:
        self._socket = socket.create_server(("0.0.0.0", 0))  # noqa: S104 - all of loopback
        self.port = int(self._socket.getsockname()[1])
        #: Who connected.
        self.callers: list[str] = []
        self._thread = threading.Thread(target=self._serve, daemon=True)

    def _serve(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, place = self._socket.accept()
                self.callers.append(str(place))
                client.close()

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        self._thread.join(1)
