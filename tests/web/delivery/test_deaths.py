"""A web process that is killed in the middle of fifty transfers, and what is left of them."""

import signal
import subprocess
from collections.abc import Awaitable, Generator
from contextlib import AsyncExitStack
from dataclasses import replace

import pytest

from storage.slots import LEASE
from tests.support.ports import free_port, is_listening
from tests.support.postgres import Postgres
from tests.support.waiting import eventually
from tests.support.web_process import start_web
from tests.web.conftest import Serve
from tests.web.delivery.conftest import LARGE, path_of, reading

STREAMS = 50


@pytest.fixture
def processes() -> Generator[list["subprocess.Popen[bytes]"]]:
    started: list[subprocess.Popen[bytes]] = []
    yield started
    for process in started:
        process.kill()
        process.wait()


async def test_after_a_kill_with_fifty_transfers_open_the_slots_come_back(
    serve: Serve, postgres: Postgres, processes: list["subprocess.Popen[bytes]"]
) -> None:
    """The lease is awaited as it is in production: thirty seconds, and a little."""
    async with serve(delivery={"max_concurrent": STREAMS}) as site, AsyncExitStack() as stack:
        port = free_port()
        processes.append(start_web(site.settings, port))
        await eventually(lambda: is_listening(port), timeout_s=60)
        readers = [await stack.enter_async_context(reading(site, postgres)) for _ in range(10)]
        doomed = replace(site, settings=site.settings, port=port)
        for reader in readers:
            for _ in range(5):
                path = path_of(await reader.file(LARGE))
                await stack.enter_async_context(replace(reader, site=doomed).stalled(path))
        slots = site.front.services.slots
        await eventually(lambda: counted(slots.active("node-a"), STREAMS), timeout_s=60)
        wanted = path_of(await readers[0].file())

        processes[0].send_signal(signal.SIGKILL)
        processes[0].wait()
        full = await readers[0].http.get(wanted)
        await eventually(
            lambda: counted(slots.active("node-a"), 0),
            timeout_s=LEASE.total_seconds() + 30,
        )
        served = await readers[0].http.get(wanted)

    assert full.status_code in (429, 503)
    assert served.status_code == 200


async def counted(active: Awaitable[int], wanted: int) -> bool:
    return await active == wanted
