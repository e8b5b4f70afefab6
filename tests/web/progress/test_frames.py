"""What hostile clients send on a socket. Source: reliability, row WS-5."""

import asyncio
import contextlib
import os
import struct
from collections.abc import AsyncGenerator

import pytest
from websockets.frames import CloseCode

from tests.web.conftest import Member, Site

TEXT, CONTINUED, PING = 0x1, 0x0, 0x9
FINAL, MASKED = 0x80, 0x80


class Raw:
    """A client that sends whatever bytes it likes."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self.writer = writer

    async def send(self, opcode: int, payload: bytes, *, masked: bool = True) -> None:
        size = len(payload)
        length = bytes([size]) if size < 126 else b"\x7f" + struct.pack(">Q", size)
        if masked:
            length = bytes([length[0] | MASKED]) + length[1:] + bytes(4)
        self.writer.write(bytes([opcode]) + length + payload)
        await self.writer.drain()

    async def close_code(self) -> int:
        """Return the code of the frame that closes; read all that comes before."""
        while True:
            opcode, size = await self._reader.readexactly(2)
            if size == 126:
                (size,) = struct.unpack(">H", await self._reader.readexactly(2))
            payload = await self._reader.readexactly(size)
            if opcode == 0x88:
                return int(struct.unpack(">H", payload[:2])[0])


@contextlib.asynccontextmanager
async def raw_socket(site: Site, member: Member) -> AsyncGenerator[Raw]:
    reader, writer = await asyncio.open_connection("127.0.0.1", site.port)
    head = (
        "GET /api/v1/ws/progress HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\n"
        "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
        "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"
        f"Sec-WebSocket-Protocol: bearer, {member.token}\r\n\r\n"
    )
    writer.write(head.encode())
    assert b" 101 " in await reader.readuntil(b"\r\n\r\n")
    try:
        yield Raw(reader, writer)
    finally:
        writer.close()


@pytest.mark.parametrize(
    ("frames", "code"),
    [
        ([(FINAL | TEXT, bytes(16 << 20))], CloseCode.MESSAGE_TOO_BIG),
        ([(TEXT, b""), *[(CONTINUED, bytes(100))] * 10_000], CloseCode.MESSAGE_TOO_BIG),
        ([(FINAL | TEXT, b"\xff\xfe")], CloseCode.INVALID_DATA),
        ([(FINAL | PING, bytes(126))], CloseCode.PROTOCOL_ERROR),
        ([(FINAL | 0x40 | TEXT, b"x")], CloseCode.PROTOCOL_ERROR),
        ([(FINAL | TEXT, b"x")] * 100_000, CloseCode.POLICY_VIOLATION),
    ],
    ids=["16 MiB", "10,000 fragments", "no UTF-8", "a huge ping", "a reserved bit", "100,000"],
)
async def test_what_no_client_sends_closes_the_socket(
    site: Site, member: Member, frames: list[tuple[int, bytes]], code: CloseCode
) -> None:
    async with raw_socket(site, member) as raw:

        async def send_all() -> None:
            with contextlib.suppress(ConnectionError):
                for opcode, payload in frames:
                    await raw.send(opcode, payload)

        sending = asyncio.create_task(send_all())
        try:
            assert await asyncio.wait_for(raw.close_code(), 60) == code
        finally:
            sending.cancel()


async def test_a_frame_without_a_mask_closes_the_socket(site: Site, member: Member) -> None:
    async with raw_socket(site, member) as raw:
        await raw.send(FINAL | TEXT, os.urandom(5), masked=False)

        assert await asyncio.wait_for(raw.close_code(), 30) == CloseCode.PROTOCOL_ERROR
