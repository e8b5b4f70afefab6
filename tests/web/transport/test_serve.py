"""The web process from its start to SIGTERM, as an operator has it."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Generator
from pathlib import Path

import httpx
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

from runtime.settings_layers import SettingsError
from tests.support.environment import as_environment
from tests.support.ports import free_port
from tests.support.valkey import Valkey
from tests.support.waiting import eventually
from tests.web.conftest import register, settings_for
from web.app import create_app

PROGRAM = (
    "from runtime import settings_layers as s; "
    "from web.transport.serve import serve; serve(s.load())"
)


@pytest.fixture
def port() -> int:
    return free_port()


@pytest.fixture
def process(
    port: int, database_url: str, valkey: Valkey, tmp_path: Path
) -> Generator[subprocess.Popen[bytes]]:
    values: dict[str, dict[str, object]] = {
        "server": {"port": str(port)},
        "database": {"url": database_url},
        "redis": {"url": valkey.url},
        "broker": {"url": valkey.url},
        "storage": {"root": str(tmp_path), "node": "node-a"},
        "auth": {"secret": "x" * 32},
    }
    environment = os.environ | as_environment(values)  # noqa: TID251 - it needs PATH
    running = subprocess.Popen(  # noqa: S603 - our own program
        [sys.executable, "-c", PROGRAM], env=environment, stderr=subprocess.PIPE
    )
    yield running
    running.kill()
    running.communicate()


async def test_it_stops_within_seconds_though_a_socket_is_open(
    process: subprocess.Popen[bytes], port: int
) -> None:
    url = f"127.0.0.1:{port}"
    async with httpx.AsyncClient(base_url=f"http://{url}/api/v1", timeout=30) as http:

        async def answers() -> bool:
            try:
                return (await http.get(f"http://{url}/healthz")).status_code == 200
            except httpx.TransportError:
                return False

        await eventually(answers, timeout_s=15)
        member = await register(http)
        pair = [Subprotocol("bearer"), Subprotocol(member.token)]
        async with connect(f"ws://{url}/api/v1/ws/progress", subprotocols=pair) as line:
            await line.recv()

            begun = time.monotonic()
            process.send_signal(signal.SIGTERM)
            with pytest.raises(ConnectionClosed):
                await asyncio.wait_for(line.recv(), 5)
            status = await asyncio.to_thread(process.wait, 10)

    assert line.close_code == 1012
    assert time.monotonic() - begun < 4
    assert status in (0, -signal.SIGTERM)


@pytest.mark.parametrize("secret", ["", "changeme"])
def test_a_weak_secret_stops_the_start(tmp_path: Path, secret: str) -> None:
    settings = settings_for("postgresql:///x", "redis://x", tmp_path, auth={"secret": secret})

    with pytest.raises(SettingsError, match=r"auth\.secret"):
        create_app(settings)
