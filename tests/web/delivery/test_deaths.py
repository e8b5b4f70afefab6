"""A web process that is killed in the middle of fifty transfers, and what is left of them."""

import os
import signal
import subprocess
import sys
from collections.abc import Awaitable, Generator
from contextlib import AsyncExitStack
from dataclasses import replace

import pytest

from storage.slots import LEASE
from tests.support.ports import free_port, is_listening
from tests.support.postgres import Postgres
from tests.support.waiting import eventually
from tests.web.conftest import Serve, Site
from tests.web.delivery.conftest import LARGE, path_of, reading

STREAMS = 50


@pytest.fixture
def processes() -> Generator[list["subprocess.Popen[bytes]"]]:
    started: list[subprocess.Popen[bytes]] = []
    yield started
    for process in started:
        process.kill()
        process.wait()


def second_process_of(site: Site, port: int) -> "subprocess.Popen[bytes]":
    """Start another web process of the same node, as a fleet does."""
    settings = site.settings
    own = {
        "VASSET_SERVER__PORT": str(port),
        "VASSET_DATABASE__URL": settings.database.url.get_secret_value(),
        "VASSET_REDIS__URL": settings.redis.url.get_secret_value(),
        "VASSET_BROKER__URL": settings.broker.url.get_secret_value(),
        "VASSET_STORAGE__ROOT": str(settings.storage.root),
        "VASSET_STORAGE__NODE": settings.storage.node,
        "VASSET_AUTH__SECRET": settings.auth.secret.get_secret_value(),
        "VASSET_LOG__LEVEL": "warning",
    }
    return subprocess.Popen(
        [sys.executable, "-m", "vasset.main", "web"],
        env=os.environ | own,  # noqa: TID251 - it needs PATH
    )


async def test_after_a_kill_with_fifty_transfers_open_the_slots_come_back(
    serve: Serve, postgres: Postgres, processes: list["subprocess.Popen[bytes]"]
) -> None:
    """The lease is awaited as it is in production: thirty seconds, and a little."""
    async with serve(delivery={"max_concurrent": STREAMS}) as site, AsyncExitStack() as stack:
        port = free_port()
        processes.append(second_process_of(site, port))
        await eventually(lambda: is_listening(port), timeout_s=20)
        readers = [await stack.enter_async_context(reading(site, postgres)) for _ in range(10)]
        doomed = replace(site, settings=site.settings, port=port)
        for reader in readers:
            for _ in range(5):
                path = path_of(await reader.file(LARGE))
                await stack.enter_async_context(replace(reader, site=doomed).stalled(path))
        slots = site.front.services.slots
        await eventually(lambda: counted(slots.active("node-a"), STREAMS), timeout_s=20)
        wanted = path_of(await readers[0].file())

        processes[0].send_signal(signal.SIGKILL)
        processes[0].wait()
        full = await readers[0].http.get(wanted)
        await eventually(
            lambda: counted(slots.active("node-a"), 0),
            timeout_s=LEASE.total_seconds() + 5,
        )
        served = await readers[0].http.get(wanted)

    assert full.status_code in (429, 503)
    assert served.status_code == 200


async def counted(active: Awaitable[int], wanted: int) -> bool:
    return await active == wanted
