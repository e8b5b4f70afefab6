"""A SOCKS5 proxy with a password, on loopback."""

import asyncio
import struct
from ipaddress import IPv4Address
from typing import Self

_REFUSED, _NOT_ALLOWED = 5, 2


class SocksProxy:
    """Connects to IPv4 addresses for those who know the password. Source: RFC 1928 and 1929."""

    def __init__(self, user: str = "user", password: str = "password") -> None:  # noqa: S107 - for tests
        self._user = user
        self._password = password
        self._server: asyncio.Server | None = None
        #: What was asked for: kind of address, host, port.
        self.asked: list[tuple[int, str, int]] = []

    @property
    def port(self) -> int:
        """Where it listens."""
        assert self._server is not None
        return int(self._server.sockets[0].getsockname()[1])

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            if await self._lets_in(reader, writer):
                await self._connect(reader, writer)
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    async def _lets_in(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        _, methods = await reader.readexactly(2)
        if 2 not in await reader.readexactly(methods):
            writer.write(b"\x05\xff")
            return False
        writer.write(b"\x05\x02")
        _, length = await reader.readexactly(2)
        user = (await reader.readexactly(length)).decode()
        (length,) = await reader.readexactly(1)
        password = (await reader.readexactly(length)).decode()
        is_known = (user, password) == (self._user, self._password)
        writer.write(b"\x01\x00" if is_known else b"\x01\x01")
        return is_known

    async def _connect(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        _, _, _, kind = await reader.readexactly(4)
        if kind != 1:
            self.asked.append((kind, "", 0))
            writer.write(_reply(_NOT_ALLOWED))
            return
        host, port = struct.unpack("!4sH", await reader.readexactly(6))
        self.asked.append((kind, str(IPv4Address(host)), port))
        try:
            far_reader, far_writer = await asyncio.open_connection(str(IPv4Address(host)), port)
        except OSError:
            writer.write(_reply(_REFUSED))
            return
        writer.write(_reply(0))
        await asyncio.gather(_pipe(reader, far_writer), _pipe(far_reader, writer))


def _reply(code: int) -> bytes:
    return bytes((5, code, 0, 1, 0, 0, 0, 0, 0, 0))


async def _pipe(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while piece := await reader.read(65_536):
            writer.write(piece)
            await writer.drain()
    finally:
        writer.close()
