"""The web process from its start to SIGTERM, as an operator has it."""

import asyncio
import os
import re
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
from tests.web.conftest import Serve, register, settings_for
from web.app import create_app
from web.transport.serve import config

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
    assert status == 0


@pytest.mark.parametrize("secret", ["", "changeme"])
def test_a_weak_secret_stops_the_start(tmp_path: Path, secret: str) -> None:
    settings = settings_for("postgresql:///x", "redis://x", tmp_path, auth={"secret": secret})

    with pytest.raises(SettingsError, match=r"auth\.secret"):
        create_app(settings)


def test_idle_connections_outlive_those_of_the_deployed_proxies(tmp_path: Path) -> None:
    kept = config(settings_for("postgresql://x/y", "redis://x", tmp_path)).timeout_keep_alive
    deployed = Path(__file__).parents[3] / "deploy"

    for file in ("nginx/nginx.conf", "compose/nginx.conf"):
        text = (deployed / file).read_text(encoding="utf-8")
        upstreams = re.findall(r"upstream \w+ \{(.*?)\n    \}", text, re.DOTALL)
        theirs = [int(re.findall(r"keepalive_timeout (\d+)s;", part)[0]) for part in upstreams]
        assert upstreams
        assert all(seconds < kept for seconds in theirs), file


async def test_an_idle_connection_stays_open_for_as_long_as_the_setting_says(serve: Serve) -> None:
    request = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"
    async with serve(server={"keep_alive_s": 1}) as site:
        reader, writer = await asyncio.open_connection("127.0.0.1", site.port)
        writer.write(request)

        until_it_is_closed = await reader.read()
        writer.close()

    assert until_it_is_closed.startswith(b"HTTP/1.1 200")
