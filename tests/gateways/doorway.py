"""A gate at a door of the test's own, as a child sees it."""

import asyncio
import socket
from base64 import b64encode
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta

from domain.addresses import AddressPolicy
from domain.download import ProxyLease
from gateways.egress.gate import Gate
from gateways.egress.judge import Judge, Resolve, resolve
from gateways.egress.passage import USER, Passage
from tests.support.fetching import OPEN_LOOPBACK, lease_of

PUBLIC_ONLY = AddressPolicy(allow_private=(), ports=(80, 443), deny_hosts=("denied.example",))


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What came back: the number in the status line, the head, and the rest."""

    status: int
    head: bytes
    body: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Doorway:
    """The near side of a gate."""

    port: int
    passage: Passage

    @property
    def credentials(self) -> bytes:
        """Return the header with the right token."""
        basic = b64encode(f"{USER}:{self.passage.token}".encode())
        return b"Proxy-Authorization: Basic " + basic + b"\r\n"

    async def get(self, url: str, *, more: bytes = b"") -> Said:
        """Ask for an address in absolute form, with the right token."""
        head = b"GET " + url.encode() + b" HTTP/1.1\r\nHost: ignored.example\r\n"
        return await self.say(head + self.credentials + more + b"\r\n")

    async def connect(self, place: str, then: bytes = b"") -> Said:
        """Ask for a tunnel, with the right token, and say something through it."""
        head = f"CONNECT {place} HTTP/1.1\r\nHost: {place}\r\n".encode()
        return await self.say(head + self.credentials + b"\r\n" + then)

    async def say(self, request: bytes) -> Said:
        """Send bytes and return all that comes back until the end."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        try:
            writer.write(request)
            async with asyncio.timeout(60):
                answer = await reader.read(-1)
        except ConnectionError:
            answer = b""
        finally:
            writer.close()
        head, _, body = answer.partition(b"\r\n\r\n")
        words = head.split(b" ", 2)
        return Said(status=int(words[1]) if len(words) > 1 else 0, head=head, body=body)


@asynccontextmanager
async def doorway(
    policy: AddressPolicy = OPEN_LOOPBACK,
    *,
    lease: ProxyLease | None = None,
    max_bytes: int = 1 << 30,
    patience: timedelta = timedelta(seconds=5),
    names: Resolve = resolve,
) -> AsyncGenerator[Doorway]:
    """Yield the near side of a gate that is open for one passage."""
    passage = Passage(lease or lease_of(None), max_bytes=max_bytes, patience=patience)
    listener = socket.create_server(("127.0.0.1", 0))
    door: asyncio.Future[socket.socket] = asyncio.get_running_loop().create_future()
    door.set_result(listener)
    with listener:
        async with Gate(Judge(policy, names)).open(passage, door):
            yield Doorway(port=int(listener.getsockname()[1]), passage=passage)
