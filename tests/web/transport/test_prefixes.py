"""A public URL with a path: everything is found under it, whether or not the proxy strips it."""

import re
from pathlib import Path
from typing import Any, cast

import httpx
import pytest
from websockets.asyncio.client import connect
from websockets.typing import Subprotocol

from runtime.settings_layers import SettingsError
from tests.support.postgres import Postgres
from tests.web.conftest import PASSWORD, Member, Serve, Site, fresh_email, register, settings_for
from tests.web.delivery.conftest import CONTENT, path_of, reading
from web.app import create_app

PUBLIC = "https://media.example/vasset"


async def _member(site: Site, prefix: str) -> Member:
    return await register(httpx.AsyncClient(base_url=f"{site.url}{prefix}/api/v1", timeout=30))


@pytest.mark.parametrize("prefix", ["/vasset", ""])
async def test_page_and_docs_find_their_files_under_the_path(serve: Serve, prefix: str) -> None:
    async with (
        serve(server={"public_url": PUBLIC}) as site,
        httpx.AsyncClient(base_url=site.url, timeout=30) as client,
    ):
        page = await client.get(f"{prefix}/")
        docs = await client.get(f"{prefix}/docs")
        names = re.findall(r'(?:src|href)="([^"]+)"', page.text)
        parts = re.findall(r'(?:src|href)="([^"]+)"', docs.text)

        # As a browser does, to which the proxy's own name shows the path.
        files = [await client.get(name) for name in (*names, *parts)]

        document = (await client.get(f"{prefix}/openapi.json")).json()

    assert all(name.startswith("/vasset/page/") for name in names)
    assert len(parts) == 3
    assert all(name.startswith("/vasset/docs/") for name in parts)
    assert {file.status_code for file in files} == {200}
    assert document["servers"] == [{"url": "/vasset"}]


@pytest.mark.parametrize("prefix", ["/vasset", ""])
async def test_api_and_socket_answer_under_the_path(serve: Serve, prefix: str) -> None:
    async with serve(server={"public_url": PUBLIC}) as site:
        member = await _member(site, prefix)
        made = await member.http.post(
            "/download", json={"url": "https://example.com/v", "mode": "archive"}
        )
        protocols = [Subprotocol("bearer"), Subprotocol(member.token)]
        url = f"ws://127.0.0.1:{site.port}{prefix}/api/v1/ws/progress"
        async with connect(url, subprotocols=protocols) as socket:
            first = str(await socket.recv())
        await member.http.aclose()

    assert made.headers["Location"] == f"/vasset/api/v1/download/{made.json()['history_id']}"
    assert '"snapshot"' in first


@pytest.mark.parametrize("prefix", ["/vasset", ""])
async def test_a_browser_sends_its_session_under_the_path(serve: Serve, prefix: str) -> None:
    async with (
        serve(server={"public_url": PUBLIC}) as site,
        httpx.AsyncClient(base_url=f"{site.url}{prefix}", timeout=30) as client,
    ):
        account = {"email": fresh_email(), "password": PASSWORD}
        await client.post("/api/v1/auth/register", json=account)

        answer = await client.post(
            "/session", json=account, headers={"Origin": "https://media.example"}
        )

    assert answer.status_code == 200
    assert "Path=/vasset/session;" in f"{answer.headers['Set-Cookie']};"


async def test_a_link_to_a_file_leads_through_the_path(serve: Serve, postgres: Postgres) -> None:
    async with (
        serve(server={"public_url": f"{PUBLIC}/"}) as site,
        reading(site, postgres) as reader,
        httpx.AsyncClient(timeout=30) as client,
    ):
        wanted = {"history_id": await reader.file()}
        given = (await reader.http.post("/download/file-ticket", json=wanted)).json()

        file = await client.get(given["url"].replace("https://media.example", site.url))

    assert given["url"].startswith(f"{PUBLIC}/api/v1/download/file?ticket=")
    assert file.content == CONTENT


async def test_the_path_of_a_nodes_own_url_is_taken_off_too(
    serve: Serve, postgres: Postgres
) -> None:
    urls: dict[str, dict[str, object]] = {
        "server": {"public_url": "https://media.example"},
        "storage": {"node_url": "https://media.example/node-a"},
    }
    async with serve(**urls) as site, reading(site, postgres) as reader:
        history_id = await reader.file()

        file = await reader.http.get(f"{site.url}/node-a/api/v1{path_of(history_id)}")

    assert file.content == CONTENT


@pytest.mark.parametrize("path", ["/api", "/docs/vasset", "/page"])
def test_a_path_that_begins_as_one_of_ours_stops_the_start(tmp_path: Path, path: str) -> None:
    public = {"public_url": f"https://media.example{path}"}
    settings = settings_for("postgresql://x/y", "redis://x", tmp_path, server=cast("Any", public))

    with pytest.raises(SettingsError, match=r"server\.public_url.*may not begin with"):
        create_app(settings)
