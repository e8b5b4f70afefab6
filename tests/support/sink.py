"""A listener that must hear nothing."""

import socket

from tests.support.listening import Listening


class Sink(Listening):
    """Counts the connections to a port on every loopback address."""

    def __init__(self) -> None:
        super().__init__("0.0.0.0")  # noqa: S104 - all of loopback
        #: Where somebody connected.
        self.callers: list[str] = []

    def _meet(self, client: socket.socket) -> None:
        self.callers.append(str(client.getsockname()))
        client.close()
