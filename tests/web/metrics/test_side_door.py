"""Metrics and details on a port of their own, in a process as it runs in production."""

import asyncio
from pathlib import Path

import httpx
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from storage.files import Files
from tests.support.ports import free_port
from tests.support.valkey import Valkey
from tests.support.waiting import eventually
from tests.support.web_process import start_web
from tests.web.conftest import settings_for


async def test_each_port_shows_its_own(database_url: str, valkey: Valkey, tmp_path: Path) -> None:
    settings = settings_for(database_url, valkey.url, tmp_path / "root")
    Files(settings.storage.root, node="node-a").prepare_root()
    port, side = free_port(), free_port()
    process = start_web(settings, port, {"VASSET_SERVER__METRICS_PORT": str(side)})
    try:
        async with (
            httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=30) as outside,
            httpx.AsyncClient(base_url=f"http://127.0.0.1:{side}", timeout=30) as inside,
        ):

            async def ready() -> bool:
                try:
                    return (await outside.get("/readyz")).is_success
                except httpx.ConnectError:
                    return False

            await eventually(ready, timeout_s=60)
            seen = {
                path: ((await outside.get(path)).status_code, (await inside.get(path)).status_code)
                for path in ("/metrics", "/readyz", "/healthz", "/docs", "/api/v1/user/history")
            }
            # What a client says of the host decides nothing.
            forged = await outside.get("/metrics", headers={"Host": f"127.0.0.1:{side}"})
            parts = [(await http.get("/readyz")).json()["parts"] for http in (outside, inside)]
            with pytest.raises(InvalidStatus) as refused:
                await connect(f"ws://127.0.0.1:{side}/api/v1/ws/progress").__aenter__()
    finally:
        process.terminate()
        await asyncio.to_thread(process.wait, 60)

    assert seen == {
        "/metrics": (404, 200),
        "/readyz": (200, 200),
        "/healthz": (200, 200),
        "/docs": (200, 404),
        "/api/v1/user/history": (401, 404),
    }
    assert forged.status_code == 404
    assert parts == [{}, {"database": "ok", "redis": "ok", "disk": "ok"}]
    assert refused.value.response.status_code == 404
