"""The wire: HTTP as it arrives, with the limits that uvicorn leaves out."""

import asyncio
from collections import deque
from http import HTTPStatus
from typing import cast

from typing_extensions import override
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from web.problems import MEDIA_TYPE, Code, ProblemError
from web.transport.outlets import Outlet

OUTLET = "vasset.outlet"
"""Where the scope of a request has its connection's outlet."""

MAX_HEAD_BYTES = 65_536
"""Beyond it a request line with headers is cut off unread; exchanges.py has finer limits."""

HEAD_TIMEOUT_S = 10

MAX_UNREAD_BYTES = 1 << 24
"""A body is refused at 64 KiB, but a client must be let speak on to hear that; not for ever."""


class Wire(HttpToolsProtocol):
    """Refuses heads that never end, in bytes or in time; says 400 as a problem; sends files."""

    _head_bytes = 0
    _is_in_head = True
    _head_timer: asyncio.TimerHandle | None = None
    _body_bytes = 0
    """Of the request that is being read, as it came: with what stands around its chunks."""

    @override
    def connection_made(self, transport: asyncio.Transport) -> None:
        self._open: deque[RequestResponseCycle] = deque()
        super().connection_made(transport)
        self._await_head()

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        self._head_is_here()
        super().connection_lost(exc)
        # uvicorn tells only the newest one, though the client may have asked ahead.
        for cycle in self._open:
            cycle.disconnected = not cycle.response_complete
            cycle.message_event.set()

    @override
    def data_received(self, data: bytes) -> None:
        was_in_head = self._is_in_head
        super().data_received(data)
        if not was_in_head:
            self._count_body(len(data))
        # A head that began in the middle of these bytes is counted from the next ones on.
        if not was_in_head or not self._is_in_head:
            return
        self._head_bytes += len(data)
        if self._head_bytes > MAX_HEAD_BYTES and not self.transport.is_closing():
            self._refuse(431, "The headers are too large.")

    @override
    def on_message_begin(self) -> None:
        self._is_in_head, self._head_bytes, self._body_bytes = True, 0, 0
        if self._head_timer is None:
            self._await_head()
        super().on_message_begin()

    @override
    def on_headers_complete(self) -> None:
        self._head_is_here()
        self._is_in_head = False
        self._check_host()
        before = self.cycle
        super().on_headers_complete()
        # None for a socket. The task that answers has not begun yet.
        if self.cycle is not before:
            self._oldest_open()
            self._open.append(self.cycle)
            cast("dict[str, object]", self.cycle.scope)[OUTLET] = Outlet(self.cycle)

    @override
    def on_response_complete(self) -> None:
        super().on_response_complete()
        if self._head_timer is not None:
            # Behind two requests nothing was read, so what followed them could not arrive.
            self._head_is_here()
            self._await_head()

    @override
    def handle_websocket_upgrade(self) -> None:
        if self._oldest_open() is None:
            super().handle_websocket_upgrade()
        else:
            self.transport.abort()

    @override
    def send_400_response(self, msg: str) -> None:
        self._refuse(400, "This is not HTTP.")

    def _count_body(self, size_bytes: int) -> None:
        """Count what came after a head, whatever it was: chunks may carry more beside than in them.

        A request that begins in the middle of these bytes is counted from the next ones on.
        """
        self._body_bytes += size_bytes
        if self._body_bytes > MAX_UNREAD_BYTES:
            self.transport.abort()

    def _check_host(self) -> None:
        """Refuse what two servers in a row may take for requests to different hosts.

        Raises:
            ValueError: The parser makes a bad request of it. Source: RFC 9112, section 3.2.
        """
        hosts = sum(name == b"host" for name, _ in self.headers)
        must_have_one = self.parser is not None and self.parser.get_http_version() == "1.1"
        if hosts > 1 or (must_have_one and not hosts):
            message = "not exactly one Host"
            raise ValueError(message)

    def _await_head(self) -> None:
        self._head_timer = self.loop.call_later(HEAD_TIMEOUT_S, self._end_late_head)

    def _head_is_here(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None

    def _end_late_head(self) -> None:
        if self.flow.read_paused:
            self._await_head()
        elif not self.transport.is_closing():
            self._refuse(408, "The request did not arrive in time.")

    def _oldest_open(self) -> RequestResponseCycle | None:
        """Return the request that is being answered; answers follow each other in order."""
        while self._open and self._open[0].response_complete:
            self._open.popleft()
        return self._open[0] if self._open else None

    def _refuse(self, status: int, detail: str) -> None:
        """Say what is wrong and close; without a word where it would stand in a file."""
        answered = self._oldest_open()
        if answered is not None and answered.response_started:
            self.transport.abort()
            return
        self.transport.write(refusal(status, detail))
        self.transport.close()


def refusal(status: int, detail: str) -> bytes:
    """Return a problem as it goes over the wire, before a connection is closed."""
    body = ProblemError(status, Code.INVALID_REQUEST, detail).body()
    head = (
        f"HTTP/1.1 {status} {HTTPStatus(status).phrase}\r\n"
        f"content-type: {MEDIA_TYPE}\r\ncontent-length: {len(body)}\r\n"
        "connection: close\r\n\r\n"
    )
    return head.encode() + body
