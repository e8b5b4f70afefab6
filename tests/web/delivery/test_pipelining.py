"""What a client does to a connection while a file is on its way over it."""

import asyncio
import os
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress

import pytest

from tests.support.waiting import eventually
from tests.web.delivery.conftest import Reader, path_of
from tests.web.delivery.test_outlets import request_for
from web.transport import wire

CONTENT = os.urandom(20_000_000)


@asynccontextmanager
async def begun(
    direct: Reader, times: int = 1
) -> AsyncGenerator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    """Yield a connection over which a file has begun to come, of which nothing is read."""
    history_id = await direct.file(CONTENT)
    stream, writer = await asyncio.open_connection("127.0.0.1", direct.site.port)
    writer.write(request_for(direct, path_of(history_id)) * times)
    await stream.readuntil(b"\r\n\r\n")
    try:
        yield stream, writer
    finally:
        writer.transport.abort()


async def rest_of(stream: asyncio.StreamReader) -> bytes:
    """Return what comes until the connection ends, in whatever way."""
    received = bytearray()
    with suppress(ConnectionError):
        while piece := await asyncio.wait_for(stream.read(1 << 20), 30):
            received += piece
    return bytes(received)


async def test_who_leaves_with_a_second_request_waiting_gives_everything_back(
    direct: Reader,
) -> None:
    """uvicorn tells only the newest request of a connection that it is lost."""
    async with begun(direct, times=2) as (_, writer):
        writer.transport.abort()

        await eventually(lambda: direct.active == 0)


async def test_nonsense_behind_a_request_does_not_get_into_its_answer(direct: Reader) -> None:
    async with begun(direct) as (stream, writer):
        writer.write(b"\0 nonsense\r\n\r\n")

        assert CONTENT.startswith(await rest_of(stream))

    await eventually(lambda: direct.active == 0)


async def test_a_late_second_head_does_not_get_into_the_answer_before_it(
    direct: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with begun(direct) as (stream, writer):
        monkeypatch.setattr(wire, "HEAD_TIMEOUT_S", 0.01)
        writer.write(b"GET / HTTP/1.1\r\n")
        await eventually(lambda: direct.active == 0)

        assert CONTENT.startswith(await rest_of(stream))


async def test_a_head_that_is_not_read_for_the_answer_before_it_is_not_late(
    direct: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Behind a second request the server reads nothing more, so the third cannot arrive."""
    monkeypatch.setattr(wire, "HEAD_TIMEOUT_S", 1)
    async with begun(direct) as (stream, writer):
        third = request_for(direct, "/auth/me", "Connection: close")
        writer.write(request_for(direct, "/auth/me") + third[:20])
        # Longer than the head may take: the first answer does not end by itself.
        await asyncio.sleep(1.3)
        writer.write(third[20:])

        received = await rest_of(stream)

    assert received.startswith(CONTENT)
    assert received.count(b"HTTP/1.1 200") == 2


async def test_no_socket_is_opened_in_the_middle_of_an_answer(direct: Reader) -> None:
    upgrade = ("Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13",
               "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==")  # fmt: skip
    async with begun(direct) as (stream, writer):
        writer.write(request_for(direct, "/ws/progress", *upgrade))

        assert CONTENT.startswith(await rest_of(stream))

    await eventually(lambda: direct.active == 0)
