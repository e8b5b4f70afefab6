"""Wires: two ends between which bytes are moved, plain or under TLS, and the moving."""

import asyncio
import contextlib
import socket
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Protocol

from domain.failures import StalledError
from gateways.egress.splicing import splice

PIECE_BYTES = 256 * 1024
"""Of one read. Measured: 64 KiB cost 0.57 CPU seconds a GiB, 256 KiB 0.34, 1 MiB 0.29."""


class Wire(Protocol):
    """One end of a connection."""

    async def read(self) -> bytes | memoryview:
        """Return what came, nothing at the end; good until the next call."""
        ...

    async def write(self, piece: bytes | memoryview) -> None:
        """Send all of it."""
        ...

    def end(self) -> None:
        """Send no more, but go on reading."""
        ...

    def close(self) -> None:
        """Let go of the connection."""
        ...


class SocketWire:
    """A plain socket."""

    def __init__(self, connected: socket.socket) -> None:
        connected.settimeout(0)
        with contextlib.suppress(OSError):
            # Small requests and answers must not wait for one another.
            connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._socket = connected
        self._piece = memoryview(b"")

    async def read(self) -> memoryview:
        """Return what came."""
        if not self._piece:
            # Only now: half of all wires never carry more than a request.
            self._piece = memoryview(bytearray(PIECE_BYTES))
        loop = asyncio.get_running_loop()
        return self._piece[: await loop.sock_recv_into(self._socket, self._piece)]

    async def write(self, piece: bytes | memoryview) -> None:
        """Send all of it."""
        await asyncio.get_running_loop().sock_sendall(self._socket, piece)

    @property
    def socket(self) -> socket.socket:
        """Return the socket, for those that move bytes without looking at them."""
        return self._socket

    def end(self) -> None:
        """Send no more."""
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_WR)

    def close(self) -> None:
        """Let go of the connection."""
        self._socket.close()


class StreamWire:
    """A stream of asyncio's, which is how TLS to a proxy is spoken."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    async def read(self) -> bytes:
        """Return what came."""
        return await self._reader.read(PIECE_BYTES)

    async def write(self, piece: bytes | memoryview) -> None:
        """Send all of it."""
        # A copy: the stream may keep what it cannot send yet, and the piece is used again.
        self._writer.write(bytes(piece))
        await self._writer.drain()

    def end(self) -> None:
        """Do nothing: TLS has no half that could be closed."""

    def close(self) -> None:
        """Let go of the connection."""
        self._writer.transport.abort()


async def relay(
    near: Wire, far: Wire, *, count: Callable[[int], None], patience: timedelta
) -> None:
    """Move bytes both ways until both have ended.

    Args:
        count: Told of each piece before it goes on; may raise.

    Raises:
        StalledError: Nothing moved for so long.
        OSError: An end broke.
    """
    await _move([(near, far), (far, near)], count, patience)


async def drain(
    source: Wire, sink: Wire, *, count: Callable[[int], None], patience: timedelta
) -> None:
    """Move bytes one way until the source has ended; as ``relay``."""
    await _move([(source, sink)], count, patience)


async def _move(
    ways: Sequence[tuple[Wire, Wire]], count: Callable[[int], None], patience: timedelta
) -> None:
    clock = asyncio.get_running_loop().time
    moved_at = clock()

    def moved(size_bytes: int) -> None:
        nonlocal moved_at
        count(size_bytes)
        moved_at = clock()

    pumps = [asyncio.ensure_future(_pump(*way, moved)) for way in ways]
    try:
        waiting = set(pumps)
        while waiting:
            left = moved_at + patience.total_seconds() - clock()
            if left <= 0:
                raise StalledError
            done, waiting = await asyncio.wait(
                waiting, timeout=left, return_when=asyncio.FIRST_COMPLETED
            )
            for one in done:
                one.result()
    finally:
        for one in pumps:
            one.cancel()
        await asyncio.gather(*pumps, return_exceptions=True)


async def _pump(source: Wire, sink: Wire, moved: Callable[[int], None]) -> None:
    if isinstance(source, SocketWire) and isinstance(sink, SocketWire):
        await splice(source.socket, sink.socket, moved)
    else:
        while piece := await source.read():
            moved(len(piece))
            await sink.write(piece)
    sink.end()
