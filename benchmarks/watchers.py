"""Clients that watch: a process with many sockets that reads frames and notes how old they are.

Run by benchmarks/sockets.py: the tokens come on standard input, one for each socket. A bare reader
instead of a library, because it shares two cores with the server that is measured.
"""

import asyncio
import json
import sys
import time
from array import array
from typing import ClassVar, cast

import uvloop

_PROGRESS, _SNAPSHOT = b'{"type": "progress"', b'{"type": "snapshot"'
_STAMP = b'"downloaded_bytes": '
_SHORT, _LONG = 126, 127
_PING, _PONG = 0x89, 0x8A
_HEAD = (
    "GET /api/v1/ws/progress HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\n"
    "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
    "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"
    "Sec-WebSocket-Protocol: bearer, {token}\r\n\r\n"
)


class Watcher(asyncio.Protocol):
    """One client; ``snapshot`` is set when it has heard its first message."""

    ages_us = array("I")
    snapshots = 0
    ended: ClassVar[list[str]] = []

    def __init__(self, token: str) -> None:
        self._token = token
        self._unread = b""
        self._last = b""
        self.snapshot = asyncio.Event()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Ask for the socket."""
        # uvloop's transports are none of asyncio's classes.
        self._transport = cast("asyncio.Transport", transport)
        self._transport.write(_HEAD.format(token=self._token).encode())

    def connection_lost(self, exc: Exception | None) -> None:
        """Note how the server ended a socket."""
        Watcher.ended.append(f"{exc!r} {self._last!r}")

    def data_received(self, data: bytes) -> None:
        """Take what comes: the head of the answer, then frames."""
        now = time.monotonic_ns()
        unread = self._unread + data
        at = 0
        if unread.startswith(b"HTTP/"):
            at = unread.find(b"\r\n\r\n") + 4
        while at >= 0 and (end := _end_of(unread, at)) <= len(unread) and end > at:
            self._take(unread, at, end, now)
            at = end
        self._unread = unread[max(at, 0) :]

    def _take(self, unread: bytes, start: int, end: int, now: int) -> None:
        if unread[start] == _PING:
            # Masked with zeros.
            pong = bytes((_PONG, 0x80 | unread[start + 1], 0, 0, 0, 0))
            self._transport.write(pong + unread[start + 2 : end])
            return
        if unread.find(_PROGRESS, start, start + 30) > 0:
            stamp = unread.index(_STAMP, start) + len(_STAMP)
            self.ages_us.append((now - int(unread[stamp : unread.index(b",", stamp)])) // 1000)
        elif unread.find(_SNAPSHOT, start, start + 30) > 0:
            Watcher.snapshots += 1
            self.snapshot.set()
        else:
            self._last = unread[start:end]


def _end_of(unread: bytes, at: int) -> int:
    """Return where the frame that begins there ends; its own place if that is not here yet."""
    head = unread[at : at + 10]
    size = int.from_bytes(head[1:2], "big")
    if size < _SHORT:
        return at + 2 + size if head[1:] else at
    wide = 2 if size < _LONG else 8
    length = head[2 : 2 + wide]
    return at + 2 + wide + int.from_bytes(length, "big") if len(length) == wide else at


async def watch(port: int, tokens: list[str]) -> None:
    """Open all sockets, then tell what was heard whenever a line is read."""
    loop = asyncio.get_running_loop()
    for start in range(0, len(tokens), 20):
        opening = [Watcher(token) for token in tokens[start : start + 20]]
        for one in opening:
            await loop.create_connection(lambda one=one: one, "127.0.0.1", port)
        async with asyncio.timeout(30):
            for one in opening:
                await one.snapshot.wait()
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    while await asyncio.to_thread(sys.stdin.readline):
        heard, Watcher.ages_us = Watcher.ages_us, array("I")
        ages = sorted(heard)
        told = {
            "messages": len(ages),
            "p50_ms": _at(ages, 0.5),
            "p99_ms": _at(ages, 0.99),
            "worst_ms": _at(ages, 1),
            "snapshots": Watcher.snapshots,
            "ended": Watcher.ended,
            "cpu_s": time.process_time(),
        }
        sys.stdout.write(json.dumps(told) + "\n")
        sys.stdout.flush()


def _at(ages: list[int], share: float) -> float:
    return ages[min(int(len(ages) * share), len(ages) - 1)] / 1000 if ages else 0.0


if __name__ == "__main__":
    uvloop.run(watch(int(sys.argv[1]), sys.stdin.readline().split()))
