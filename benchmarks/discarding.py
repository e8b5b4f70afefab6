"""A client in a process of its own that takes files as fast as they come and keeps nothing."""

import json
import selectors
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple
from urllib.parse import urlsplit

_BUFFER_BYTES = 1 << 20


class Link(NamedTuple):
    """Where a file is, and the access token that it takes."""

    url: str
    token: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """What a client saw.

    Attributes:
        seconds: From the first request to the last byte.
        first_byte_s: Of each stream, from its request to the first byte of the answer.
    """

    seconds: float
    first_byte_s: list[float]


class Taking:
    """A client that is at work.

    Args:
        links: One stream for each.
        size_bytes: How much of each file is asked for.
    """

    def __init__(self, links: Sequence[Link], size_bytes: int) -> None:
        self._process = subprocess.Popen(  # noqa: S603 - our own program
            [sys.executable, "-m", __name__, json.dumps(links), str(size_bytes)],
            stdout=subprocess.PIPE,
            text=True,
        )

    @property
    def is_running(self) -> bool:
        """Return whether there is more to come."""
        return self._process.poll() is None

    def wait(self) -> Taken:
        """Return what it saw, when all has been taken."""
        told, _ = self._process.communicate()
        return Taken(**json.loads(told))


class Stream:
    """One connection and what is still to come over it."""

    def __init__(self, link: Link, size_bytes: int) -> None:
        parts = urlsplit(link.url)
        self.socket = socket.create_connection((parts.hostname or "", parts.port or 80))
        target = parts.path + (f"?{parts.query}" if parts.query else "")
        self.begun = time.perf_counter()
        self.first_byte_s = 0.0
        self.left = size_bytes
        self.socket.sendall(
            f"GET {target} HTTP/1.1\r\nHost: x\r\nRange: bytes=0-{size_bytes - 1}\r\n"
            f"Authorization: Bearer {link.token}\r\n\r\n".encode()
        )

    def read(self, buffer: bytearray) -> None:
        """Take what has come; of the body only its length, so that it is not even copied."""
        if not self.first_byte_s:
            self.first_byte_s = self._read_head() - self.begun
            return
        taken = self.socket.recv_into(buffer, len(buffer), socket.MSG_TRUNC)
        if not taken:
            message = f"{self.left} bytes are missing"
            raise ConnectionError(message)
        self.left -= taken

    def _read_head(self) -> float:
        """Read the head; return when its first byte came."""
        received = self.socket.recv(4_096)
        came = time.perf_counter()
        while b"\r\n\r\n" not in received:
            received += self.socket.recv(4_096)
        head, _, body = received.partition(b"\r\n\r\n")
        if not head.startswith((b"HTTP/1.1 206", b"HTTP/1.1 200")):
            raise ConnectionError(head.decode())
        self.left -= len(body)
        return came


def main(links: str, size_bytes: str) -> None:
    """Take and print what was seen."""
    buffer, selector = bytearray(_BUFFER_BYTES), selectors.DefaultSelector()
    begun = time.perf_counter()
    streams = [Stream(Link(*link), int(size_bytes)) for link in json.loads(links)]
    for stream in streams:
        selector.register(stream.socket, selectors.EVENT_READ, stream)
    while selector.get_map():
        for key, _ in selector.select():
            key.data.read(buffer)
            if key.data.left == 0:
                selector.unregister(key.data.socket)
                key.data.socket.close()
    seen = {
        "seconds": time.perf_counter() - begun,
        "first_byte_s": [stream.first_byte_s for stream in streams],
    }
    sys.stdout.write(json.dumps(seen))


if __name__ == "__main__":
    main(*sys.argv[1:])
