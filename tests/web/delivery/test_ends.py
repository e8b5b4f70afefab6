"""How transfers end that nobody ends in good order."""

import asyncio
import os
import socket
import threading
from collections.abc import AsyncGenerator
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest
from typing_extensions import override
from uvicorn.protocols.http.httptools_impl import RequestResponseCycle

from tests.support.postgres import Postgres
from tests.support.waiting import eventually
from tests.web.conftest import Serve, Site
from tests.web.delivery.conftest import LARGE, path_of, reading
from web.transport.disk import on_disk
from web.transport.outlets import Outlet
from web.transport.pumps import Pump


async def test_who_is_cut_off_when_the_server_stops_is_counted_with_what_was_sent(
    serve: Serve, postgres: Postgres
) -> None:
    """uvicorn cancels its own task; Quart, in that, leaves the one that sends behind."""
    async with serve() as site, reading(site, postgres) as reader:
        history_id = await reader.file(LARGE)
        async with reader.stalled(path_of(history_id)) as connection:
            await asyncio.to_thread(received, connection, 5_000)
            for task in answering():
                task.cancel()
            await eventually(lambda: reader.active == 0)
            counted = await eventually(lambda: sent_of(site))

    assert counted["client_gone"] > 0


def received(connection: socket.socket, most: int) -> int:
    """Take so many bytes, more than a head has, so that some of the file were sent."""
    left = most
    while left and (piece := connection.recv(left)):
        left -= len(piece)
    return most - left


def answering() -> list["asyncio.Task[object]"]:
    """Return the tasks that uvicorn would cancel."""
    return [task for task in asyncio.all_tasks() if "run_asgi" in repr(task.get_coro())]


async def sent_of(site: Site) -> dict[str, int]:
    rows = await site.front.services.deliveries.totals()
    return {row["outcome"]: row["bytes"] for row in rows}


class Ending(asyncio.Protocol):
    """The server's end of a connection."""

    def __init__(self) -> None:
        self.cycle = SimpleNamespace(transport=None, disconnected=False)

    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.cycle.transport = cast("asyncio.Transport", transport)

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        self.cycle.disconnected = True


@pytest.fixture
async def ends() -> AsyncGenerator[tuple[Ending, socket.socket]]:
    """Both ends of a connection, the second one bare: nothing reads from it."""
    ending = Ending()
    server = await asyncio.get_running_loop().create_server(lambda: ending, "127.0.0.1", 0)
    with socket.create_connection(server.sockets[0].getsockname()) as other:
        await eventually(lambda: ending.cycle.transport is not None)
        yield ending, other
        ending.cycle.transport.abort()
    server.close()


async def test_a_connection_that_closes_and_cannot_end_is_broken_off(
    ends: tuple[Ending, socket.socket],
) -> None:
    """As one whose client says no more, and reads nothing of an archive."""
    ending, _ = ends
    outlet = Outlet(cast("RequestResponseCycle", ending.cycle))
    ending.cycle.transport.write(LARGE)
    ending.cycle.transport.close()

    await asyncio.wait_for(outlet.cut(), 30)

    assert ending.cycle.disconnected


async def test_a_stream_that_cannot_be_watched_fails_and_the_others_go_on(
    ends: tuple[Ending, socket.socket], tmp_path: Path
) -> None:
    """The loop refuses to watch what a transport uses; so it does when its limits are reached."""
    connection = ends[0].cycle.transport.get_extra_info("socket")
    film, content = tmp_path / "film", os.urandom(1_000)
    film.write_bytes(content + LARGE)
    here, there = socket.socketpair()
    here.setblocking(False)  # noqa: FBT003 - the library's own form
    with film.open("rb") as file, here, there:
        descriptor = file.fileno()

        with pytest.raises(RuntimeError, match="is used by transport"):
            await asyncio.wait_for(Pump(connection.fileno()).send(descriptor, 0, len(LARGE)), 30)
        await asyncio.wait_for(Pump(here.fileno()).send(descriptor, 0, len(content)), 30)

        assert there.recv(len(content)) == content


async def test_a_thread_is_waited_for_however_often_one_is_cancelled() -> None:
    begun, go_on = threading.Event(), threading.Event()

    def read() -> None:
        begun.set()
        go_on.wait(10)

    reading = asyncio.create_task(on_disk(read))
    await eventually(begun.is_set)
    for _ in range(3):
        reading.cancel()
        await asyncio.wait([reading], timeout=0.01)
    is_waiting = not reading.done()
    go_on.set()
    await asyncio.wait([reading], timeout=30)

    assert is_waiting
    assert reading.cancelled()
