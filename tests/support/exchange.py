"""One HTTP connection of a local server: reads requests, sends answers at their pace."""

import contextlib
import math
import socket
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler
from itertools import repeat
from typing import Final, Protocol, cast
from urllib.parse import parse_qsl, unquote, urlsplit

from tests.support.answers import Answer, Slice, requested_slice
from tests.support.content import pieces
from tests.support.journal import Request

_SLOW_PIECES_PER_S: Final = 20
_CHECK_S: Final = 0.1


class Owner(Protocol):
    """Who knows the answers."""

    def record(self, request: Request) -> None:
        """Add a request to the journal."""

    def answer(self, request: Request) -> Answer:
        """Return what to answer."""
        ...

    def is_hurried(self, target: str) -> bool:
        """Return whether a body is not to keep its pace any more."""
        ...


class Host(Protocol):
    """The server that a connection belongs to."""

    owner: Owner
    stopping: threading.Event


class Exchange(BaseHTTPRequestHandler):
    """The handler that the standard library's server makes for each connection."""

    protocol_version = "HTTP/1.1"
    # Headers and body go out in two writes: Nagle's algorithm would add 40 ms to each answer.
    disable_nagle_algorithm = True

    def _answer(self) -> None:
        request = self._read_request()
        host = cast("Host", self.server)
        host.owner.record(request)
        try:
            self._give(host.owner.answer(request), request)
        finally:
            request.is_open = False

    def _give(self, answer: Answer, request: Request) -> None:
        self._wait(answer.pace.delay_s)
        part = self._send_head(answer, request)
        if self.command != "HEAD":
            self._send_body(answer, part, request)
        request.is_complete = True

    do_GET = do_HEAD = do_POST = do_PUT = do_DELETE = _answer  # noqa: N815 - the base calls them so

    def _read_request(self) -> Request:
        parts = urlsplit(self.path)
        length = int(self.headers.get("Content-Length") or 0)
        return Request(
            at=datetime.fromtimestamp(time.time(), tz=UTC),
            method=self.command,
            path=unquote(parts.path),
            query=dict(parse_qsl(parts.query, keep_blank_values=True)),
            headers={name.lower(): value for name, value in self.headers.items()},
            body=self.rfile.read(length),
            client=(str(self.client_address[0]), int(self.client_address[1])),
        )

    def _send_head(self, answer: Answer, request: Request) -> Slice:
        size = answer.content.size_bytes
        part: Slice | None = Slice(0, size)
        status = answer.status
        wanted = request.headers.get("range")
        if answer.etag and wanted and self._may_slice(answer, request):
            with contextlib.suppress(ValueError):
                part, status = requested_slice(wanted, size), 206
        if part is None:
            part, status = Slice(0, 0), 416
        self.send_response(status)
        request.status = status
        self._send_headers(answer, part, status)
        return part

    def _send_headers(self, answer: Answer, part: Slice, status: int) -> None:
        size = answer.content.size_bytes
        self.send_header("Content-Type", answer.media_type)
        is_measured = not (answer.is_endless or answer.is_unmeasured)
        self.close_connection = self.close_connection or not is_measured
        if self.close_connection:
            self.send_header("Connection", "close")
        if is_measured:
            self.send_header("Content-Length", str(part.stop - part.start))
        if answer.etag:
            self.send_header("Accept-Ranges", "bytes")
            self.send_header("ETag", f'"{answer.etag}"')
        if status == 206 and "Content-Range" not in answer.headers:
            self.send_header("Content-Range", f"bytes {part.start}-{part.stop - 1}/{size}")
        elif status == 416:
            self.send_header("Content-Range", f"bytes */{size}")
        for name, value in answer.headers.items():
            self.send_header(name, value)
        self.end_headers()

    def _may_slice(self, answer: Answer, request: Request) -> bool:
        condition = request.headers.get("if-range")
        return answer.status == 200 and condition in {None, f'"{answer.etag}"'}

    def _send_body(self, answer: Answer, part: Slice, request: Request) -> None:
        pace = answer.pace
        limits = [limit for limit in (pace.stall_after, pace.cut_after) if limit is not None]
        left = min(limits, default=None)
        for piece in self._paced(answer, part):
            allowed = piece if left is None else piece[:left]
            self.wfile.write(allowed)
            request.bytes_sent += len(allowed)
            if left is not None:
                left -= len(allowed)
                if left <= 0:
                    self._wait(0.0 if pace.cut_after == min(limits) else math.inf)
                    raise ConnectionAbortedError

    def _paced(self, answer: Answer, part: Slice) -> Iterator[bytes]:
        rate = answer.pace.bytes_per_s
        step = max(1, rate // _SLOW_PIECES_PER_S)
        for _ in repeat(None) if answer.is_endless else range(1):
            for piece in pieces(answer.content, part.start, part.stop):
                if not rate:
                    yield piece
                    continue
                for begin in range(0, len(piece), step):
                    if cast("Host", self.server).owner.is_hurried(self.path):
                        yield piece[begin:]
                        break
                    yield piece[begin : begin + step]
                    self._wait(step / rate)

    def _wait(self, seconds: float) -> None:
        """Let time pass; raise if the server ends or the client leaves meanwhile."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            if cast("Host", self.server).stopping.wait(min(left, _CHECK_S)) or self._is_left():
                raise ConnectionAbortedError

    def _is_left(self) -> bool:
        flags = socket.MSG_PEEK | socket.MSG_DONTWAIT
        try:
            return not self.connection.recv(1, flags)
        except BlockingIOError:
            return False

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - named by the base
        """Stay silent: the journal tells it all."""
        del format, args
