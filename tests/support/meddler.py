"""A TCP proxy between a client and a server that cuts, changes or diverts files on their way."""

import contextlib
import socket
import threading
from dataclasses import dataclass

from tests.support.listening import Listening

_FILE = b"GET /api/v1/download/file"
_PIECE_BYTES = 1 << 16


@dataclass(slots=True)
class _Connection:
    """One client's connection and ours to the server; a file counts from its request on."""

    client: socket.socket
    server: socket.socket
    is_file: bool = False
    sent_bytes: int = 0

    def close(self) -> None:
        for end in (self.client, self.server):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()


class Meddler(Listening):
    """Passes everything on to a port, but for what its attributes say of files."""

    def __init__(self, upstream: int) -> None:
        super().__init__()
        #: Where the server is; may move while it runs.
        self.upstream = upstream
        #: Cut the next answer with a file after so many bytes, its head included; once.
        self.cuts_after: int | None = None
        #: Change one byte of every file.
        self.spoils = False
        #: Answer requests for files with a redirect to there.
        self.diverts_to = ""
        #: The requests for files, as they came.
        self.requests: list[str] = []
        self._connections: list[_Connection] = []

    @property
    def url(self) -> str:
        """Its address for a client."""
        return f"http://127.0.0.1:{self.port}"

    def _meet(self, client: socket.socket) -> None:
        try:
            server = socket.create_connection(("127.0.0.1", self.upstream))
        except OSError:
            client.close()
            return
        connection = _Connection(client, server)
        self._connections.append(connection)
        for pump in (self._ask, self._answer):
            threading.Thread(target=pump, args=(connection,), daemon=True).start()

    def _ask(self, connection: _Connection) -> None:
        with contextlib.suppress(OSError):
            while piece := connection.client.recv(_PIECE_BYTES):
                connection.is_file = piece.startswith(_FILE)
                connection.sent_bytes = 0
                if connection.is_file:
                    self.requests.append(piece.decode())
                if connection.is_file and self.diverts_to:
                    head = f"HTTP/1.1 307 Temporary Redirect\r\nLocation: {self.diverts_to}\r\n"
                    connection.client.sendall(f"{head}Content-Length: 0\r\n\r\n".encode())
                else:
                    connection.server.sendall(piece)
        connection.close()

    def _answer(self, connection: _Connection) -> None:
        with contextlib.suppress(OSError):
            while piece := connection.server.recv(_PIECE_BYTES):
                if connection.is_file:
                    piece = self._meddled(piece, connection.sent_bytes)
                    connection.sent_bytes += len(piece)
                connection.client.sendall(piece)
                if connection.is_file and self._is_cut(connection):
                    break
        connection.close()

    def _meddled(self, piece: bytes, sent_bytes: int) -> bytes:
        if self.cuts_after is not None:
            return piece[: self.cuts_after - sent_bytes]
        # A head is short and stands before everything else.
        if self.spoils and len(piece) > 4096:
            return piece[:-1] + bytes([piece[-1] ^ 1])
        return piece

    def _is_cut(self, connection: _Connection) -> bool:
        if self.cuts_after is None or connection.sent_bytes < self.cuts_after:
            return False
        self.cuts_after = None
        return True

    def __exit__(self, *_: object) -> None:
        super().__exit__()
        for connection in self._connections:
            connection.close()
