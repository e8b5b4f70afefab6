"""What nginx does by itself, in the configuration that is deployed."""

import asyncio
import socket
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack

import httpx
import pytest

from tests.support.nginx import Nginx
from tests.support.postgres import Postgres
from tests.support.waiting import eventually
from tests.web.conftest import Site
from tests.web.delivery.conftest import CONTENT, LARGE, Reader, path_of, present, reading

CONNECTIONS = 16
"""Of one user, in deploy/nginx/vasset_file.conf."""


@pytest.fixture
async def behind(
    offloading: tuple[Site, Nginx | None], postgres: Postgres
) -> AsyncGenerator[tuple[Reader, Nginx]]:
    site, nginx = offloading[0], present(offloading[1])
    async with reading(site, postgres) as reader:
        reader.http.base_url = httpx.URL(f"{nginx.url}/api/v1/")
        yield reader, nginx


def stalled_at(nginx: Nginx, reader: Reader, path: str) -> socket.socket:
    connection = socket.create_connection(("127.0.0.1", nginx.port))
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
    connection.sendall(
        f"GET /api/v1{path} HTTP/1.1\r\nHost: x\r\n"
        f"Authorization: Bearer {reader.member.token}\r\n\r\n".encode()
    )
    return connection


async def test_the_bytes_come_from_nginx_and_the_program_counts_them(
    behind: tuple[Reader, Nginx],
) -> None:
    reader, _ = behind
    history_id = await reader.file()

    bare = await reader.http.get(f"{reader.site.url}/api/v1{path_of(history_id)}")
    whole = await reader.http.get(path_of(history_id))
    await reader.http.get(path_of(history_id), headers={"Range": "bytes=0-99"})

    async def counted() -> list[tuple[int, int]] | None:
        rows = await reader.site.front.services.deliveries.of_user(reader.member.user_id, 10)
        told = [(row["transfers"], row["bytes"]) for row in rows]
        return told if told and told[0][0] == 3 else None

    assert bare.content == b""
    assert bare.headers["X-Accel-Redirect"].startswith("/_vasset/whole/archive/")
    assert (whole.content, reader.active) == (CONTENT, 0)
    assert await eventually(counted) == [(3, 2 * len(CONTENT) + 100)]


@pytest.mark.parametrize("place", ["whole", "part"])
@pytest.mark.parametrize("tail", ["", ".vasset-node", "archive/", "../../../etc/passwd"])
async def test_no_client_reaches_the_files_by_themselves(
    behind: tuple[Reader, Nginx], place: str, tail: str
) -> None:
    _, nginx = behind
    async with httpx.AsyncClient(base_url=nginx.url, timeout=30) as stranger:
        answer = await stranger.get(f"/_vasset/{place}/{tail}")

    assert answer.status_code == 404


async def test_a_user_gets_so_many_connections_and_another_user_theirs(
    behind: tuple[Reader, Nginx], postgres: Postgres
) -> None:
    reader, nginx = behind
    history_id = await reader.file(LARGE)
    async with AsyncExitStack() as stack:
        for _ in range(CONNECTIONS):
            connection = stack.enter_context(stalled_at(nginx, reader, path_of(history_id)))
            await asyncio.to_thread(connection.recv, 1)
        refused = await reader.http.get(path_of(history_id))
        other = await stack.enter_async_context(reading(reader.site, postgres))
        theirs = path_of(await other.file())
        served = await other.http.get(f"{nginx.url}/api/v1{theirs}")

    async def again() -> bool:
        return (await reader.http.get(path_of(history_id))).status_code == 200

    assert (refused.status_code, refused.json()["code"]) == (429, "too_many_transfers")
    assert refused.headers["Content-Type"] == "application/problem+json"
    assert int(refused.headers["Retry-After"]) > 0
    assert served.status_code == 200
    assert await eventually(again)


async def test_its_log_holds_no_ticket_and_no_query(behind: tuple[Reader, Nginx]) -> None:
    reader, nginx = behind
    history_id = await reader.file()
    answer = await reader.http.post("/download/file-ticket", json={"history_id": history_id})
    ticket = answer.json()["ticket"]

    sent = await reader.http.get(f"/download/file?ticket={ticket}")

    line = await eventually(
        lambda: [line for line in nginx.log.read_text().splitlines()
                 if sent.headers["X-Request-Id"] in line]
    )  # fmt: skip
    assert "/api/v1/download/file" in line[0] or "/_vasset/whole/" in line[0]
    assert ticket not in nginx.log.read_text()
    assert "history_id" not in nginx.log.read_text()
