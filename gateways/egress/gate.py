"""The gate: a forward proxy for one child at a time, at a socket that only this child reaches."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import structlog

from domain.failures import (
    DownloadError,
    ForbiddenAddressError,
    SourceTroubleError,
    StalledError,
    TooLargeError,
)
from gateways.egress.judge import Judge
from gateways.egress.passage import Passage
from gateways.egress.requests import (
    MAX_HEAD_BYTES,
    BadRequestError,
    Request,
    closing_head,
    read_request,
)
from gateways.egress.routes import open_wire
from gateways.egress.wires import SocketWire, Wire, drain, relay

HEAD_TIMEOUT_S = 20.0
MAX_CONNECTIONS = 32
"""Of one download at once; more wait until one ends. Each takes six descriptors at most."""

BREATH_S = 0.5


def _answer(line: bytes, text: bytes) -> bytes:
    length = str(len(text)).encode()
    fields = b"\r\nContent-Type: text/plain\r\nConnection: close\r\nContent-Length: " + length
    return b"HTTP/1.1 " + line + fields + b"\r\n\r\n" + text


# One text for every denial: a child learns nothing of the net around us.
DENIED = _answer(b"403 Forbidden", b"This is not allowed.\n")
UNREACHABLE = _answer(b"502 Bad Gateway", b"The address cannot be reached.\n")
ESTABLISHED = b"HTTP/1.1 200 Connection established\r\n\r\n"

_log: Any = structlog.get_logger("gateways.egress")


class Gate:
    """Serves the passages of this process."""

    def __init__(self, judge: Judge) -> None:
        self._judge = judge

    @asynccontextmanager
    async def open(
        self, passage: Passage, door: asyncio.Future[socket.socket]
    ) -> AsyncGenerator[None]:
        """Serve a passage at a listening socket, once it is there, until the block is left."""
        serving = asyncio.create_task(self._serve(passage, door))
        try:
            yield
        finally:
            serving.cancel()
            await asyncio.gather(serving, return_exceptions=True)

    async def _serve(self, passage: Passage, door: asyncio.Future[socket.socket]) -> None:
        listener = await asyncio.shield(door)
        listener.settimeout(0)
        loop = asyncio.get_running_loop()
        free = asyncio.Semaphore(MAX_CONNECTIONS)
        connections: set[asyncio.Task[None]] = set()

        def ended(task: asyncio.Task[None]) -> None:
            connections.discard(task)
            free.release()

        try:
            while True:
                await free.acquire()
                try:
                    client, _ = await loop.sock_accept(listener)
                except OSError as error:
                    # No descriptor is left, for instance; others will end.
                    _log.error("egress_not_accepted", error=str(error), advice="raise ulimit -n")
                    free.release()
                    await asyncio.sleep(BREATH_S)
                    continue
                task = asyncio.create_task(self._attend(passage, SocketWire(client)))
                connections.add(task)
                task.add_done_callback(ended)
        finally:
            for task in connections:
                task.cancel()
            await asyncio.gather(*connections, return_exceptions=True)

    async def _attend(self, passage: Passage, near: Wire) -> None:
        """Serve one connection; whatever goes wrong ends it and nothing else."""
        try:
            async with asyncio.timeout(HEAD_TIMEOUT_S):
                request = await read_request(near)
            if request is not None:
                await self._forward(passage, near, request)
        except (BadRequestError, TimeoutError):
            # Before any request was understood.
            _log.warning("egress_denied", reason="no request of a forward proxy")
            await _say(near, DENIED)
        except OSError:
            pass  # An end went away; whoever needed it notices.
        finally:
            near.close()

    async def _forward(self, passage: Passage, near: Wire, request: Request) -> None:
        place = {"host": request.host, "port": request.port}
        if not passage.admits(request.credentials):
            _log.warning("egress_denied", reason="wrong token", **place)
            await _say(near, DENIED)
            return
        try:
            far = await self._open(passage, request)
        except DownloadError as error:
            passage.note(error)
            is_denied = isinstance(error, ForbiddenAddressError)
            event = "egress_denied" if is_denied else "egress_failed"
            _log.warning(event, reason=type(error).__name__, exit=passage.lease.exit_name, **place)
            await _say(near, DENIED if is_denied else UNREACHABLE)
            return
        _log.debug("egress_opened", exit=passage.lease.exit_name, **place)
        try:
            await _carry(passage, near, far, request)
        except (TooLargeError, StalledError, SourceTroubleError) as error:
            passage.note(error)
            _log.warning("egress_cut", reason=type(error).__name__, **place)
        finally:
            far.close()

    async def _open(self, passage: Passage, request: Request) -> Wire:
        if request.is_foreign:
            raise ForbiddenAddressError
        return await open_wire(self._judge, passage.lease, request.host, request.port)


async def _carry(passage: Passage, near: Wire, far: Wire, request: Request) -> None:
    """Move what belongs to one request.

    Raises:
        DownloadError: The passage is at its end, or the origin speaks no HTTP.
    """
    if request.head is None:
        await near.write(ESTABLISHED)
        if request.rest:
            passage.count(len(request.rest))
            await far.write(request.rest)
        await relay(near, far, count=passage.count, patience=passage.patience)
        return
    try:
        async with asyncio.timeout(passage.patience.total_seconds()):
            await _send_request(passage, near, far, request)
            answer = await _answer_begun(far)
    except (SourceTroubleError, OSError) as error:
        await _say(near, UNREACHABLE)
        raise SourceTroubleError from error
    passage.count(len(answer))
    await near.write(answer)
    answering = asyncio.ensure_future(
        drain(far, near, count=passage.count, patience=passage.patience)
    )
    leaving = asyncio.ensure_future(_gone(near))
    try:
        await asyncio.wait({answering, leaving}, return_when=asyncio.FIRST_COMPLETED)
        if answering.done():
            answering.result()
    finally:
        for one in (answering, leaving):
            one.cancel()
        await asyncio.gather(answering, leaving, return_exceptions=True)


async def _gone(near: Wire) -> None:
    """Return once a child has hung up, so that its source may count one connection less.

    Nothing of what it says is taken: what it asks next may be for another host.
    """
    with contextlib.suppress(OSError):
        while await near.read():
            pass


async def _send_request(passage: Passage, near: Wire, far: Wire, request: Request) -> None:
    await far.write(request.head or b"")
    left = request.body_bytes
    piece: bytes | memoryview = request.rest
    while left > 0:
        piece = piece[:left]
        passage.count(len(piece))
        await far.write(piece)
        left -= len(piece)
        if left > 0:
            piece = await near.read()
            if not piece:
                raise ConnectionAbortedError


async def _answer_begun(far: Wire) -> bytes:
    """Return the head of an answer, made to close, and what came with it of the body."""
    begun = b""
    while (end := _end_of_head(begun)) is None:
        piece = bytes(await far.read())
        if not piece or len(begun) > MAX_HEAD_BYTES:
            raise SourceTroubleError
        begun += piece
    return closing_head(begun[:end]) + begun[end:]


def _end_of_head(begun: bytes) -> int | None:
    """Return where the empty line after a head begins, or None if it is not there yet."""
    # Some origins end their lines with a line feed alone.
    places = [begun.find(b"\n\r\n"), begun.find(b"\n\n")]
    return min((place for place in places if place >= 0), default=None)


async def _say(near: Wire, answer: bytes) -> None:
    with contextlib.suppress(OSError):
        await near.write(answer)
        near.end()
