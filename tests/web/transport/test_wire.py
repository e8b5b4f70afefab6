"""What a bare connection can do to the server, below the level of a client library."""

import asyncio
import json
from typing import Any

import pytest

from tests.web.conftest import Member, Site
from web.transport import wire

HEAD = b"GET /healthz HTTP/1.1\r\nHost: x\r\n"
UPGRADE = (
    b"GET /api/v1/ws/progress HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"
)


async def said(site: Site, *parts: bytes, within_s: float = 30) -> bytes:
    """Send bytes over a new connection and return all that comes back until it is closed."""
    reader, writer = await asyncio.open_connection("127.0.0.1", site.port)
    try:
        for part in parts:
            writer.write(part)
            await writer.drain()
        return await asyncio.wait_for(reader.read(), within_s)
    finally:
        writer.close()


def problem_of(answer: bytes) -> dict[str, Any]:
    head, _, body = answer.partition(b"\r\n\r\n")
    assert b"content-type: application/problem+json" in head.lower()
    problem: dict[str, Any] = json.loads(body)
    assert head.startswith(f"HTTP/1.1 {problem['status']} ".encode())
    return problem


@pytest.mark.parametrize(
    "junk",
    [
        b"hello\r\n\r\n",
        HEAD + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\n",
        HEAD + b"Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
        HEAD + b"X: a\r\n folded\r\n\r\n",
        HEAD + b"Host: y\r\n\r\n",
        b"GET /healthz HTTP/1.1\r\n\r\n",
        UPGRADE + b"Host: y\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc",
    ],
    ids=[
        "no HTTP",
        "two lengths",
        "length and chunks",
        "folded header",
        "two hosts",
        "no host",
        "two hosts of a socket",
        "TLS",
    ],
)
async def test_what_can_be_read_in_two_ways_is_refused_and_closed(site: Site, junk: bytes) -> None:
    assert problem_of(await said(site, junk))["status"] == 400


async def test_a_head_without_an_end_is_cut_off(site: Site) -> None:
    parts = [HEAD, b"X: ", *[b"x" * 8_192] * 9]

    assert problem_of(await said(site, *parts))["status"] == 431


@pytest.mark.parametrize(
    ("rest", "status"),
    [
        (b"Sec-WebSocket-Protocol: bearer, " + b"x" * 9_000, 431),
        (b"X: x\r\n" * 200 + b"X: x", 431),
        (b"Content-Length: 1", 400),
    ],
    ids=["long line", "many lines", "body"],
)
async def test_a_head_that_opens_no_socket_keeps_no_connection(
    site: Site, rest: bytes, status: int
) -> None:
    assert problem_of(await said(site, UPGRADE + rest + b"\r\n\r\n"))["status"] == status


async def test_a_client_of_the_old_kind_names_no_host(site: Site) -> None:
    assert b" 200 " in await said(site, b"GET /healthz HTTP/1.0\r\n\r\n")


async def test_a_head_that_does_not_come_is_not_waited_for(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wire, "HEAD_TIMEOUT_S", 0.1)

    silent = await said(site)
    slow = await said(site, HEAD)

    assert problem_of(silent)["status"] == problem_of(slow)["status"] == 408


async def test_the_time_for_a_head_starts_anew_with_each_request(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wire, "HEAD_TIMEOUT_S", 1.5)

    answers = await said(site, HEAD + b"\r\n", HEAD)

    assert answers.count(b"HTTP/1.1 200") == answers.count(b"HTTP/1.1 408") == 1


async def test_a_body_behind_another_request_is_neither_head_nor_late(
    site: Site, member: Member, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wire, "HEAD_TIMEOUT_S", 1)
    # As long as a body may be: together with its head longer than a head may be.
    body = b" " * 65_400 + b'{"url":"https://example.com/v","mode":"archive"}'
    head = (
        "POST /api/v1/download HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
        f"Authorization: Bearer {member.token}\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    ).encode()
    reader, writer = await asyncio.open_connection("127.0.0.1", site.port)

    writer.write(HEAD + b"\r\n" + head + body[:10])
    await asyncio.sleep(1.3)
    writer.write(body[10:])
    answers = await asyncio.wait_for(reader.read(), 30)

    writer.close()
    assert b"HTTP/1.1 200" in answers
    assert b"HTTP/1.1 202" in answers
    assert b"HTTP/1.1 4" not in answers


async def test_a_body_without_an_end_is_not_read_for_ever(
    site: Site, member: Member, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wire, "MAX_UNREAD_BYTES", 1_000_000)
    head = (
        "POST /api/v1/download HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
        f"Authorization: Bearer {member.token}\r\nContent-Length: 99999999\r\n\r\n"
    ).encode()

    with pytest.raises(ConnectionError):
        await said(site, head, *[b" " * 100_000] * 100)


async def test_what_stands_beside_the_chunks_counts_too(
    site: Site, member: Member, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wire, "MAX_UNREAD_BYTES", 1_000_000)
    head = (
        "POST /api/v1/download HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
        f"Authorization: Bearer {member.token}\r\nTransfer-Encoding: chunked\r\n\r\n"
    ).encode()
    chunk = b"1;" + b"x" * 10_000 + b"\r\n \r\n"

    with pytest.raises(ConnectionError):
        await said(site, head, *[chunk * 10] * 100)
