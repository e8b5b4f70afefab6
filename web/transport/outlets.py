"""Outlets: the way out of a connection for bodies that go past the app.

uvicorn knows bodies of bytes only, which cost a copy into Python and one out of it; and uvloop
has no ``sendfile``. Source: docs/decisions/0012-delivery.md.
"""

import asyncio
import fcntl
import os
import socket
import struct
import termios
from array import array
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from uvicorn.protocols.http.httptools_impl import RequestResponseCycle

from storage.deliveries import Outcome
from web.transport.pumps import CutError, Pump


class Outlet:
    """Takes the body of one answer, when its head has been sent."""

    def __init__(self, cycle: RequestResponseCycle) -> None:
        self._cycle = cycle
        self._transport = cycle.transport
        self._socket = -1
        self._pump: Pump | None = None
        self._written = 0

    @property
    def sent_bytes(self) -> int:
        """Return how many bytes the kernel has taken."""
        return self._given_bytes - self._transport.get_write_buffer_size()

    @property
    def acked_bytes(self) -> int:
        """Return how many bytes the client has acknowledged, while the outlet is open.

        The kernel takes megabytes at once and then nothing for long, so what it has taken does
        not show how fast a client reads.
        """
        waiting = array("i", [0])
        fcntl.ioctl(self._socket, termios.TIOCOUTQ, waiting)
        return self.sent_bytes - waiting[0]

    @property
    def disk_s(self) -> float:
        """Return the seconds that went by with reading from the disk."""
        return 0.0 if self._pump is None else self._pump.disk_s

    @property
    def _given_bytes(self) -> int:
        return self._written + (0 if self._pump is None else self._pump.taken)

    @asynccontextmanager
    async def opened(self) -> AsyncGenerator[None]:
        """Let the outlet be used; nothing else may write to the connection meanwhile.

        Raises:
            CutError: The client is gone.
        """
        if self._transport.is_closing():
            raise CutError(Outcome.CLIENT_GONE)
        # Files go past the transport's buffer, so what stands in it must go first.
        self._transport.set_write_buffer_limits(high=0)
        # Its own descriptor: the loop refuses to watch one that a transport uses.
        self._socket = os.dup(self._transport.get_extra_info("socket").fileno())
        self._pump = Pump(self._socket)
        try:
            await self.drain()
            yield
            await self.drain()
            self._cycle.expected_content_length -= self._given_bytes
        finally:
            os.close(self._socket)
            if not self._transport.is_closing():
                self._transport.set_write_buffer_limits()

    async def drain(self) -> None:
        """Wait until the kernel has taken everything.

        Raises:
            CutError: The client is gone.
        """
        while self._transport.get_write_buffer_size() and not self._cycle.disconnected:
            await self._cycle.flow.drain()
            await asyncio.sleep(0)
        if self._cycle.disconnected:
            raise CutError(Outcome.CLIENT_GONE)

    async def send(self, piece: bytes) -> None:
        """Send bytes that are in memory already; one that is cancelled leaves them to be sent.

        Raises:
            CutError: The client is gone.
        """
        self._written += len(piece)
        self._transport.write(piece)
        await self.drain()

    async def send_file(self, descriptor: int, offset: int, count: int) -> None:
        """Send a part of a file; ``sent_bytes`` says how far one came that is cancelled.

        Raises:
            CutError: The client is gone, or the file ends or cannot be read.
        """
        if self._pump is not None:
            await self._pump.send(descriptor, offset, count)

    async def cut(self) -> None:
        """Break the connection off, and wait until that has happened."""
        if not self._transport.is_closing():
            # A reset: the kernel would go on sending what it holds to one who reads no more.
            reset = struct.pack("ii", 1, 0)
            connection = self._transport.get_extra_info("socket")
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, reset)
        # One that is closing already may wait for ever, to send what nobody takes.
        self._transport.abort()
        while not self._cycle.disconnected:  # noqa: ASYNC110 - uvicorn keeps no event of it
            await asyncio.sleep(0)
