"""A local HTTP server in a thread, which keeps a journal and ends at once."""

import contextlib
import socket
import sys
import threading
import time
from abc import ABC, abstractmethod
from http.server import ThreadingHTTPServer
from typing import Final, Self
from urllib.parse import urlencode

from tests.support.answers import Answer
from tests.support.exchange import Exchange
from tests.support.journal import Journal, Request

_POLL_S: Final = 0.02


class LocalServer(ABC):
    """Base of the local servers: a subclass says what is answered."""

    def __init__(self) -> None:
        self._journal = Journal()
        self._hurried: set[str] = set()
        self._server = _Server(self)
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": _POLL_S}, daemon=True
        )
        self.port = int(self._server.server_address[1])

    @abstractmethod
    def answer(self, request: Request) -> Answer:
        """Return what to answer. Called from many threads."""

    def url(self, path: str = "/", **query: str | float) -> str:
        """Return the address of a path."""
        parameters = f"?{urlencode(query)}" if query else ""
        return f"http://127.0.0.1:{self.port}{path}{parameters}"

    @property
    def journal(self) -> tuple[Request, ...]:
        """All requests so far, oldest first, as they stand now."""
        return self._journal.read()

    def requests_for(self, path: str) -> tuple[Request, ...]:
        """Return the requests for one path, whatever their query."""
        return tuple(request for request in self.journal if request.path == path)

    def forget(self) -> None:
        """Empty the journal."""
        self._journal.clear()

    def hurry(self, url: str) -> None:
        """Send what is left of the bodies at an address, and later ones, at once.

        So a test keeps a fetch under way for as long as it needs, whatever else the machine does.
        """
        self._hurried.add(url.removeprefix(self.url("")))

    def is_hurried(self, target: str) -> bool:
        """Return whether a body is not to keep its pace any more."""
        return target in self._hurried

    def record(self, request: Request) -> None:
        """Add a request to the journal."""
        self._journal.open(request)

    def start(self) -> None:
        """Begin to answer."""
        self._thread.start()

    def close(self) -> None:
        """Cut all connections and end.

        Raises:
            BaseExceptionGroup: The answers of the server itself failed.
        """
        self._server.end(is_serving=self._thread.ident is not None)
        if self._thread.ident is not None:
            self._thread.join(30)
        if self._server.faults:
            message = f"faults in {type(self).__name__}"
            raise BaseExceptionGroup(message, self._server.faults)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def __init__(self, owner: LocalServer) -> None:
        self.owner = owner
        self.stopping = threading.Event()
        self.faults: list[BaseException] = []
        self._connections: set[socket.socket] = set()
        super().__init__(("127.0.0.1", 0), Exchange)

    def process_request_thread(
        self, request: socket.socket | tuple[bytes, socket.socket], client_address: object
    ) -> None:
        assert isinstance(request, socket.socket)
        self._connections.add(request)
        if self.stopping.is_set():
            _hang_up(request)
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._connections.discard(request)

    def handle_error(self, request: object, client_address: object) -> None:
        del request, client_address
        fault = sys.exception()
        if fault is not None and not isinstance(fault, OSError):
            self.faults.append(fault)

    def end(self, *, is_serving: bool) -> None:
        self.stopping.set()
        if is_serving:
            self.shutdown()
        self.server_close()
        end = time.monotonic() + 1
        while self._connections and time.monotonic() < end:
            for connection in tuple(self._connections):
                _hang_up(connection)
            time.sleep(_POLL_S)


def _hang_up(connection: socket.socket) -> None:
    with contextlib.suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)
