"""The addresses at which this server's own page may be opened."""

from pathlib import Path

import httpx
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from runtime.settings_layers import SettingsError
from tests.web.conftest import PASSWORD, Serve, fresh_email, settings_for
from web.progress.routes import BAD_ORIGIN

AT_HOME, ABROAD = "http://192.168.1.5:8080", "https://media.example"


async def test_the_page_signs_in_at_each_address_that_is_named(serve: Serve) -> None:
    named = {
        "public_url": f"{ABROAD}:443/vasset",
        "trusted_origins": [f"{AT_HOME}/", "http://a:80"],
    }
    async with (
        serve(server=named) as site,
        httpx.AsyncClient(base_url=site.url, timeout=30) as client,
    ):
        account = {"email": fresh_email(), "password": PASSWORD}
        await client.post("/api/v1/auth/register", json=account)
        for origin in (AT_HOME, ABROAD, "http://a"):
            answer = await client.post("/session", json=account, headers={"Origin": origin})
            assert answer.status_code == 200, origin


async def test_a_refused_page_hears_what_to_set(serve: Serve) -> None:
    async with (
        serve(server={"public_url": ABROAD}) as site,
        httpx.AsyncClient(base_url=site.url, timeout=30) as client,
    ):
        refused = await client.post("/session/renew", headers={"Origin": AT_HOME})
        async with connect(site.socket_url, additional_headers={"Origin": AT_HOME}) as socket:
            with pytest.raises(ConnectionClosed) as closed:
                await socket.recv()

    assert refused.status_code == 403
    assert "server.trusted_origins" in refused.json()["detail"]
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == BAD_ORIGIN
    assert "server.trusted_origins" in closed.value.rcvd.reason


@pytest.mark.parametrize(
    "url",
    [
        *("media.example", "ftp://media.example", "http://", "http://0.0.0.0:8080", "http://[::]/"),
        *(
            "http://a/b;c",
            "http://a/b c",
            "http://a/%2e",
            "http://a//b",
            'http://a/"',
            "http://a?b",
        ),
    ],
)
def test_a_public_url_that_nobody_can_open_stops_the_start(tmp_path: Path, url: str) -> None:
    with pytest.raises(SettingsError, match=r"server\.public_url"):
        settings_for("postgresql://x/y", "redis://x", tmp_path, server={"public_url": url})
