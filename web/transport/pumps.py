"""Pumps: files from the page cache into a socket, without a copy, a thread or a task woken."""

import asyncio
import errno
import os
from collections import deque
from collections.abc import Callable
from time import monotonic

from storage.deliveries import Outcome
from web.transport.disk import on_disk

AT_ONCE_BYTES = 4 << 20
"""What one stream is given at a time: all that its socket takes, or the kernel must be asked more
often, and by us instead of by the client's acknowledgements."""

TURN_BYTES = 2 << 20
"""What all streams together are given in one turn of the event loop: about a millisecond."""

READ_AHEAD_BYTES = 4 << 20


class CutError(Exception):
    """A body cannot be sent to its end; the connection is cut, so the client knows.

    Attributes:
        outcome: Why.
    """

    def __init__(self, outcome: Outcome) -> None:
        super().__init__(outcome.value)
        self.outcome = outcome


class _Turns:
    """Gives the streams of this process their turns, one after the other.

    Every other answer needs some thirty turns of the event loop. If each stream whose client can
    take more had its share in every one of them, fifty streams would hold up everybody else.
    """

    def __init__(self) -> None:
        self._waiting: deque[Callable[[], int]] = deque()
        self._loop: asyncio.AbstractEventLoop | None = None

    def ask(self, step: Callable[[], int]) -> None:
        """Let a step be taken when it is its turn; it returns how many bytes it sent."""
        self._waiting.append(step)
        loop = asyncio.get_running_loop()
        if self._loop is not loop:
            self._loop = loop
            loop.call_soon(self._give)

    def _give(self) -> None:
        left = TURN_BYTES
        try:
            while self._waiting and left > 0:
                left -= self._waiting.popleft()()
        finally:
            # Whatever a step may raise, the other streams go on.
            if self._waiting:
                asyncio.get_running_loop().call_soon(self._give)
            else:
                self._loop = None


_turns = _Turns()


class Pump:
    """Sends parts of files over one socket.

    Args:
        socket: A descriptor that nobody else watches; it does not block.

    Attributes:
        taken: Bytes that the kernel has taken so far, of a part that was cancelled too.
        disk_s: Seconds that went by with reading from the disk, not with waiting for the client.
    """

    def __init__(self, socket: int) -> None:
        self._socket = socket
        self._loop = asyncio.get_running_loop()
        self._cached = (0, 0)
        self.taken = 0
        self.disk_s = 0.0

    async def send(self, descriptor: int, offset: int, count: int) -> None:
        """Send a part of a file; always of the same one.

        Raises:
            CutError: The client is gone, or the file ends or cannot be read.
        """
        start, end = self.taken - offset, offset + count
        while await self._send_cached(descriptor, self.taken - start, end):
            at = self.taken - start
            await self._read_in(descriptor, at, min(end - at, READ_AHEAD_BYTES))

    async def _send_cached(self, descriptor: int, offset: int, end: int) -> bool:
        """Send to the end, or return True when the disk must be read first."""
        part = _Part(self, descriptor, offset, end)
        part.ask()
        try:
            return await part.ended
        finally:
            self._loop.remove_writer(self._socket)

    def wait_until_writable(self, then: Callable[[], None]) -> None:
        """Call back whenever the socket takes more, until ``send`` ends."""
        self._loop.add_writer(self._socket, then)

    def send_once(self, descriptor: int, at: int, end: int) -> int:
        """Send what the socket takes now; return how much, or 0 if the disk must be read."""
        try:
            ready = self._cached_until(descriptor, at, end)
            if ready == at:
                return 0
            sent = os.sendfile(self._socket, descriptor, at, min(ready - at, AT_ONCE_BYTES))
        except BlockingIOError:
            raise
        except (ConnectionError, TimeoutError) as error:
            raise CutError(Outcome.CLIENT_GONE) from error
        except OSError as error:
            raise CutError(Outcome.FILE_ENDED) from error
        if not sent:
            raise CutError(Outcome.FILE_ENDED)
        self.taken += sent
        return sent

    def _cached_until(self, descriptor: int, at: int, end: int) -> int:
        """Return up to where the file can be sent without waiting for the disk."""
        start, ready = self._cached
        if start <= at < ready:
            return min(ready, end)
        probed = min(at + AT_ONCE_BYTES, end)
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


class _Part:
    """A part of a file on its way, which asks for turns as long as the socket takes more.

    Attributes:
        ended: Whether it ended because the disk must be read, or CutError.
    """

    def __init__(self, pump: Pump, descriptor: int, at: int, end: int) -> None:
        self._pump = pump
        self._descriptor = descriptor
        self._at = at
        self._end = end
        self._is_waiting = False
        self._is_watched = False
        self.ended: asyncio.Future[bool] = asyncio.get_running_loop().create_future()

    def ask(self) -> None:
        """Ask for a turn, unless it waits for one."""
        if not self._is_waiting:
            self._is_waiting = True
            _turns.ask(self._step)

    def _step(self) -> int:
        self._is_waiting = False
        if self.ended.done():
            return 0
        try:
            sent = self._pump.send_once(self._descriptor, self._at, self._end)
        except BlockingIOError:
            self._watch()
            return 0
        except CutError as error:
            self.ended.set_exception(error)
            return 0
        self._at += sent
        if not sent or self._at == self._end:
            self.ended.set_result(not sent)
        else:
            self.ask()
        return sent

    def _watch(self) -> None:
        # Once: each time it is taken off, uvloop closes what it watches with.
        if not self._is_watched:
            self._is_watched = True
            try:
                self._pump.wait_until_writable(self.ask)
            except (OSError, RuntimeError) as error:
                # There is nobody else to whom it could be raised.
                self.ended.set_exception(error)


def _read_through(descriptor: int, offset: int, count: int) -> None:
    os.posix_fadvise(descriptor, offset, count, os.POSIX_FADV_WILLNEED)
    piece, end = bytearray(1 << 18), offset + count
    while offset < end and (read := os.preadv(descriptor, [piece], offset)):
        offset += read
