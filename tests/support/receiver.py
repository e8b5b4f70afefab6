"""A receiver of webhooks: HTTPS on loopback, with every fault that real ones have."""

import asyncio
import contextlib
import ssl
from collections import defaultdict
from dataclasses import dataclass
from typing import Self

import h11

from tests.support.certificates import Certificate
from tests.support.waiting import eventually

SILENCE = b""
"""The answer of a receiver that never answers."""

ENDLESS = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
"""The head of an answer that never ends."""

ENDLESS_HEADS = b"HTTP/1.1 103 Early Hints\r\n\r\n"
"""What is said again and again before an answer that never comes."""


def status(number: int, *fields: str) -> bytes:
    """Return an answer with a status and a short body."""
    lines = [f"HTTP/1.1 {number} Whatever", "Content-Length: 3", *fields, "", "abc"]
    return "\r\n".join(lines).encode()


@dataclass(frozen=True, slots=True)
class Told:
    """A request that came in."""

    path: str
    headers: dict[str, str]
    body: bytes


class Receiver:
    """Answers 200, or what a test says of a path: each answer once, the last for ever.

    Args:
        certificate: Of 127.0.0.1; None to speak plain http.
    """

    def __init__(self, certificate: Certificate | None) -> None:
        self._certificate = certificate
        self.answers = defaultdict[str, list[bytes]](lambda: [status(200)])
        #: Every request, in order.
        self.told: list[Told] = []
        self._open: set[asyncio.StreamWriter] = set()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0, ssl=self._tls())
        self.port = int(self._server.sockets[0].getsockname()[1])
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        for writer in self._open:
            writer.transport.abort()
        await eventually(lambda: not self._open)

    def url(self, path: str = "/hook", host: str = "127.0.0.1") -> str:
        """Return the address of a path."""
        scheme = "https" if self._certificate else "http"
        return f"{scheme}://{host}:{self.port}{path}"

    def of(self, path: str) -> list[Told]:
        """Return what came in at a path."""
        return [one for one in self.told if one.path == path]

    def _tls(self) -> ssl.SSLContext | None:
        if self._certificate is None:
            return None
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self._certificate.certificate, self._certificate.key)
        return context

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._open.add(writer)
        try:
            with contextlib.suppress(OSError, h11.RemoteProtocolError):
                told = await _read(reader)
                self.told.append(told)
                waiting = self.answers[told.path]
                answer = waiting.pop(0) if len(waiting) > 1 else waiting[0]
                if answer == SILENCE:
                    await reader.read()
                await _write(writer, answer)
        finally:
            self._open.discard(writer)
            writer.transport.abort()


async def _read(reader: asyncio.StreamReader) -> Told:
    parser, body = h11.Connection(h11.SERVER), b""
    request: h11.Request | None = None
    while not isinstance(event := parser.next_event(), h11.EndOfMessage):
        if event is h11.NEED_DATA:
            parser.receive_data(await reader.read(65_536))
        elif isinstance(event, h11.Request):
            request = event
        elif isinstance(event, h11.Data):
            body += bytes(event.data)
    assert request is not None
    fields = {name.decode(): text.decode() for name, text in request.headers}
    return Told(request.target.decode(), fields, body)


async def _write(writer: asyncio.StreamWriter, answer: bytes) -> None:
    writer.write(answer)
    again = {ENDLESS: b"400\r\n" + b"x" * 1024 + b"\r\n", ENDLESS_HEADS: ENDLESS_HEADS}
    while answer in again:
        writer.write(again[answer])
        await writer.drain()
    await writer.drain()
    writer.close()
    await writer.wait_closed()
