"""Outlets: the way out of a connection for files, from the page cache to the socket uncopied.

uvicorn knows bodies of bytes only, which cost a copy into Python and one out of it; and uvloop
has no ``sendfile``. Source: docs/decisions/0012-delivery.md.
"""

import asyncio
import errno
import fcntl
import os
import socket
import struct
import termios
from array import array
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from time import monotonic

from uvicorn.protocols.http.httptools_impl import RequestResponseCycle

from storage.deliveries import Outcome
from web.disk import on_disk

TURN_BYTES = 4 << 20
"""What all outlets together may send in one turn of the event loop, some milliseconds' worth."""

MOST_BYTES, LEAST_BYTES = 1 << 20, 1 << 17
"""Of which one sends so much: more, and others wait; less, and the calls cost more than bytes."""

READ_AHEAD_BYTES = 4 << 20

_open: "set[Outlet]" = set()


class CutError(Exception):
    """A body cannot be sent to its end; the connection is cut, so the client knows.

    Attributes:
        outcome: Why.
    """

    def __init__(self, outcome: Outcome) -> None:
        super().__init__(outcome.value)
        self.outcome = outcome


class Outlet:
    """Takes the body of one answer, when its head has been sent.

    Attributes:
        disk_s: Seconds that went by with reading from the disk, not with waiting for the client.
    """

    def __init__(self, cycle: RequestResponseCycle) -> None:
        self._cycle = cycle
        self._transport = cycle.transport
        self._loop = asyncio.get_running_loop()
        self._socket = -1
        self._cached = (0, 0)
        self._taken = 0
        self.disk_s = 0.0

    @property
    def sent_bytes(self) -> int:
        """Return how many bytes the kernel has taken."""
        return self._taken - self._transport.get_write_buffer_size()

    @property
    def acked_bytes(self) -> int:
        """Return how many bytes the client has acknowledged, while the outlet is open.

        The kernel takes megabytes at once and then nothing for long, so what it has taken does
        not show how fast a client reads.
        """
        waiting = array("i", [0])
        fcntl.ioctl(self._socket, termios.TIOCOUTQ, waiting)
        return self.sent_bytes - waiting[0]

    @asynccontextmanager
    async def opened(self) -> AsyncGenerator[None]:
        """Let the outlet be used; nothing else may write to the connection meanwhile."""
        # Files go past the transport's buffer, so what stands in it must go first.
        self._transport.set_write_buffer_limits(high=0)
        # Its own descriptor: the loop refuses to watch one that a transport uses.
        self._socket = os.dup(self._transport.get_extra_info("socket").fileno())
        _open.add(self)
        try:
            await self.drain()
            yield
            await self.drain()
            self._cycle.expected_content_length -= self._taken
        finally:
            _open.discard(self)
            os.close(self._socket)
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
        self._taken += len(piece)
        self._transport.write(piece)
        await self.drain()

    async def send_file(self, descriptor: int, offset: int, count: int) -> None:
        """Send a part of a file; ``sent_bytes`` says how far one came that is cancelled.

        Raises:
            CutError: The client is gone, or the file ends or cannot be read.
        """
        end = offset + count
        while offset < end:
            before = self._taken
            cold = await self._pump(descriptor, offset, end)
            offset += self._taken - before
            if cold:
                await self._read_in(descriptor, offset, min(end - offset, READ_AHEAD_BYTES))

    async def cut(self) -> None:
        """Break the connection off, and wait until that has happened."""
        # A reset: the kernel would go on sending what it holds to one who reads no more.
        reset = struct.pack("ii", 1, 0)
        self._transport.get_extra_info("socket").setsockopt(
            socket.SOL_SOCKET, socket.SO_LINGER, reset
        )
        self._transport.abort()
        while not self._cycle.disconnected:  # noqa: ASYNC110 - uvicorn keeps no event of it
            await asyncio.sleep(0)

    async def _pump(self, descriptor: int, offset: int, end: int) -> bool:
        """Send from the page cache until the end, or until the disk must be read: True.

        By callbacks alone: waking a task for each half megabyte costs more than sending it.
        """
        ended: asyncio.Future[bool] = self._loop.create_future()
        start = self._taken - offset

        def step() -> None:
            try:
                verdict = self._step(descriptor, self._taken - start, end)
            except CutError as error:
                if not ended.done():
                    ended.set_exception(error)
            else:
                if verdict is not None and not ended.done():
                    ended.set_result(verdict)

        step()
        if ended.done():
            return ended.result()
        self._loop.add_writer(self._socket, step)
        try:
            return await ended
        finally:
            self._loop.remove_writer(self._socket)

    def _step(self, descriptor: int, at: int, end: int) -> bool | None:
        """Send what the socket takes now; return whether the disk must be read, None to go on."""
        most = min(MOST_BYTES, max(TURN_BYTES // len(_open), LEAST_BYTES))
        try:
            ready = self._cached_until(descriptor, at, end)
            if ready == at:
                return True
            sent = os.sendfile(self._socket, descriptor, at, min(ready - at, most))
        except BlockingIOError:
            return None
        except (ConnectionError, TimeoutError) as error:
            raise CutError(Outcome.CLIENT_GONE) from error
        except OSError as error:
            raise CutError(Outcome.FILE_ENDED) from error
        if not sent:
            raise CutError(Outcome.FILE_ENDED)
        self._taken += sent
        return False if at + sent == end else None

    def _cached_until(self, descriptor: int, at: int, end: int) -> int:
        """Return up to where the file can be sent without waiting for the disk."""
        start, ready = self._cached
        if start <= at < ready:
            return min(ready, end)
        probed = min(at + MOST_BYTES, end)
        try:
            # Its last byte: what is read ahead arrives in order.
            os.preadv(descriptor, [bytearray(1)], probed - 1, os.RWF_NOWAIT)
        except BlockingIOError:
            return at
        except OSError as error:
            # A file system that cannot say is asked in a thread.
            if error.errno == errno.EOPNOTSUPP:
                return at
            raise
        self._cached = (at, probed)
        return probed

    async def _read_in(self, descriptor: int, offset: int, count: int) -> None:
        """Bring a part of the file into the page cache, in a thread."""
        start = monotonic()
        try:
            await on_disk(lambda: _read_through(descriptor, offset, count))
        except OSError as error:
            raise CutError(Outcome.FILE_ENDED) from error
        finally:
            self.disk_s += monotonic() - start
        self._cached = (offset, offset + count)


def _read_through(descriptor: int, offset: int, count: int) -> None:
    os.posix_fadvise(descriptor, offset, count, os.POSIX_FADV_WILLNEED)
    piece, end = bytearray(1 << 18), offset + count
    while offset < end and (read := os.preadv(descriptor, [piece], offset)):
        offset += read
