import asyncio
import os
import socket
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest

from domain.states import Mode, Status
from tests.support.postgres import Postgres
from tests.support.waiting import eventually
from tests.web.conftest import Member, Serve, Site, register
from tests.web.rows import Rows

CONTENT = os.urandom(2_500_000)


@pytest.fixture
async def history_id(member: Member, rows: Rows) -> int:
    history_id = await member.submit()
    await rows.finish(history_id, CONTENT, user_id=member.user_id)
    return history_id


def path_of(history_id: int) -> str:
    return f"/download/file?history_id={history_id}"


async def test_the_file_arrives_byte_for_byte(member: Member, history_id: int) -> None:
    answer = await member.http.get(path_of(history_id))

    shown = (await member.http.get(f"/download/{history_id}")).json()
    assert answer.status_code == 200
    assert answer.content == CONTENT
    headers = {name: answer.headers[name] for name in (
        "content-type", "content-length", "content-disposition", "cache-control",
        "x-content-type-options", "etag", "vary", "content-security-policy",
    )}  # fmt: skip
    assert headers == {
        "content-type": "application/octet-stream",
        "content-length": "2500000",
        "content-disposition": (
            "attachment; filename=\"A film.mp4\"; filename*=UTF-8''A%20film.mp4"
        ),
        "cache-control": "private, no-store",
        "x-content-type-options": "nosniff",
        "etag": f'"{shown["file_hash"]}"',
        "vary": "Authorization",
        "content-security-policy": "sandbox",
    }
    assert "accept-ranges" not in answer.headers


async def test_head_has_the_headers_and_no_body(member: Member, history_id: int) -> None:
    whole = await member.http.get(path_of(history_id))
    bare = await member.http.head(path_of(history_id))

    assert (bare.status_code, bare.content) == (200, b"")
    differing = {"date", "x-request-id"}
    assert {k: v for k, v in bare.headers.items() if k not in differing} == {
        k: v for k, v in whole.headers.items() if k not in differing
    }


@pytest.mark.parametrize(
    ("status", "answered"),
    [
        (Status.FAILED, 409),
        (Status.QUEUED, 409),
        (Status.RUNNING, 409),
        (Status.CANCELLED, 409),
        (Status.EXPIRED, 410),
    ],
)
async def test_without_a_finished_file_there_is_none(
    member: Member, rows: Rows, history_id: int, status: Status, answered: int
) -> None:
    await rows.end(history_id, status)

    answer = await member.http.get(path_of(history_id))

    assert answer.status_code == answered
    assert answer.json()["code"] == {409: "conflict", 410: "gone"}[answered]


async def test_a_file_past_its_time_is_gone_before_it_is_deleted(
    member: Member, rows: Rows
) -> None:
    history_id = await member.submit(mode=Mode.QUICK.value)
    path = await rows.finish(history_id, CONTENT, user_id=member.user_id)
    kept = await member.http.head(path_of(history_id))
    await rows.set(history_id, "expire_at = now() - interval '1 second'")

    answer = await member.http.get(path_of(history_id))

    assert kept.status_code == 200
    assert (answer.status_code, path.exists()) == (410, True)


async def test_a_file_of_another_node_is_away(member: Member, rows: Rows, history_id: int) -> None:
    await rows.set(history_id, "storage_node = 'node-b'")

    answer = await member.http.get(path_of(history_id))

    assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
    assert int(answer.headers["Retry-After"]) > 0
    assert "node-b" not in answer.text


@pytest.mark.parametrize("spoil", ["remove", "shorten", "link", "symlink", "pipe", "folder"])
async def test_what_is_not_the_file_of_the_row_is_never_sent(
    member: Member, rows: Rows, site: Site, spoil: str
) -> None:
    history_id = await member.submit()
    path = await rows.finish(history_id, CONTENT, user_id=member.user_id)
    await asyncio.to_thread(_spoil, path, spoil)

    answer = await asyncio.wait_for(member.http.get(path_of(history_id)), 5)

    assert answer.status_code == 503
    assert str(site.root) not in answer.text
    await eventually(lambda: site.front.transfers.active == 0)


def _spoil(path: Path, how: str) -> None:
    twin = path.with_name("twin")
    match how:
        case "shorten":
            path.write_bytes(CONTENT[:-1])
        case "link":
            os.link(path, twin)
        case _:
            path.rename(twin)
    match how:
        case "symlink":
            path.symlink_to(twin)
        case "pipe":
            os.mkfifo(path)
        case "folder":
            path.mkdir()
        case _:
            pass


async def test_the_path_comes_from_the_ids_alone(
    member: Member, rows: Rows, history_id: int, tmp_path: Path
) -> None:
    bait = tmp_path / "bait"
    bait.write_bytes(b"x" * len(CONTENT))
    await rows.set(history_id, f"file_path = '{bait}'")

    answer = await member.http.get(path_of(history_id))

    assert answer.content == CONTENT


@asynccontextmanager
async def stalled_transfer(site: Site, member: Member, history_id: int) -> AsyncGenerator[None]:
    """Ask for the file over a bare connection and read nothing of it."""
    connection = socket.create_connection(("127.0.0.1", site.port))
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
    connection.sendall(
        f"GET /api/v1{path_of(history_id)} HTTP/1.1\r\nHost: x\r\n"
        f"Authorization: Bearer {member.token}\r\n\r\n".encode()
    )
    try:
        yield
    finally:
        connection.close()


async def test_fifty_clients_that_leave_give_their_slots_back(
    member: Member, site: Site, rows: Rows
) -> None:
    history_id = await member.submit()
    await rows.finish(history_id, bytes(30_000_000), user_id=member.user_id)

    for _ in range(10):
        gone = [stalled_transfer(site, member, history_id) for _ in range(5)]
        for transfer in gone:
            await transfer.__aenter__()
        await eventually(lambda: site.front.transfers.active == 5)
        for transfer in gone:
            await transfer.__aexit__(None, None, None)
        await eventually(lambda: site.front.transfers.active == 0)

    answer = await member.http.get(path_of(history_id))
    assert answer.status_code == 200


async def test_a_transfer_too_many_is_refused_within_two_seconds(
    serve: Serve, postgres: Postgres
) -> None:
    async with (
        serve(delivery={"max_concurrent": 1}) as site,
        httpx.AsyncClient(base_url=f"{site.url}/api/v1") as http,
    ):
        member = await register(http)
        rows = Rows(
            site.front.services,
            postgres,
            site.settings.database.url.get_secret_value(),
        )
        history_id = await member.submit()
        await rows.finish(history_id, bytes(30_000_000), user_id=member.user_id)

        async with stalled_transfer(site, member, history_id):
            await eventually(lambda: site.front.transfers.active == 1)
            refused = await asyncio.wait_for(http.get(path_of(history_id)), 2)
            bare = await http.head(path_of(history_id))
        await eventually(lambda: site.front.transfers.active == 0)
        served = await http.get(path_of(history_id))

    assert (refused.status_code, refused.json()["code"]) == (503, "too_many_transfers")
    assert int(refused.headers["Retry-After"]) > 0
    assert (bare.status_code, served.status_code) == (200, 200)


async def test_a_file_deleted_while_it_is_sent_arrives_whole(member: Member, rows: Rows) -> None:
    history_id = await member.submit()
    content = os.urandom(20_000_000)
    path = await rows.finish(history_id, content, user_id=member.user_id)
    received = bytearray()

    async with member.http.stream("GET", path_of(history_id)) as answer:
        async for piece in answer.aiter_raw():
            path.unlink(missing_ok=True)
            received += piece

    assert bytes(received) == content


async def test_a_file_that_shrinks_while_it_is_sent_cuts_the_connection(
    member: Member, rows: Rows, site: Site
) -> None:
    history_id = await member.submit()
    path = await rows.finish(history_id, bytes(50_000_000), user_id=member.user_id)

    async with member.http.stream("GET", path_of(history_id)) as answer:
        os.truncate(path, 1_000_000)
        with pytest.raises(httpx.RemoteProtocolError):
            await answer.aread()

    await eventually(lambda: site.front.transfers.active == 0)
