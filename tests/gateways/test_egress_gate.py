"""The gate from the child's side: what it lets through, what it denies, and how it counts."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from ipaddress import ip_network

import pytest

from domain.failures import (
    ForbiddenAddressError,
    SourceTroubleError,
    StalledError,
    TooLargeError,
)
from gateways.egress.gate import DENIED
from tests.gateways.doorway import PUBLIC_ONLY, doorway
from tests.support.names import NameServer
from tests.support.sink import Sink
from tests.support.site import Site

DENIED_BODY = DENIED.partition(b"\r\n\r\n")[2]
PUBLIC = "93.184.216.34"


async def test_a_request_reaches_its_origin_and_the_answer_comes_back_whole(site: Site) -> None:
    async with doorway() as gate:
        said = await gate.get(site.clip_url(1))

    assert said.status == 200
    assert len(said.body) == gate.passage.moved_bytes - len(said.head) - 4
    assert site.journal[-1].headers["host"] == f"127.0.0.1:{site.port}"


async def test_the_origin_sees_nothing_of_the_way_that_led_to_it(site: Site) -> None:
    more = b"X-Forwarded-For: 10.1.2.3\r\nVia: 1.1 inside\r\nAccept-Language: en\r\n"

    async with doorway() as gate:
        await gate.get(site.url("/clips/1.mp4", n=1), more=more)

    headers = site.journal[-1].headers
    assert headers["accept-language"] == "en"
    assert not headers.keys() & {"proxy-authorization", "x-forwarded-for", "via", "forwarded"}


async def test_a_connection_carries_one_request_because_the_next_may_be_for_another_host(
    site: Site,
) -> None:
    async with doorway() as gate:
        head = f"GET {site.url('/audio.m4a')} HTTP/1.1\r\nHost: x\r\n".encode()
        request = head + gate.credentials + b"\r\n"
        before = len(site.journal)
        said = await gate.say(request + request)

    assert b"Connection: close" in said.head
    assert len(site.journal) == before + 1


async def test_a_tunnel_carries_any_bytes_both_ways(site: Site) -> None:
    async with doorway() as gate:
        said = await gate.connect(
            f"127.0.0.1:{site.port}",
            b"GET /status/204 HTTP/1.1\r\nHost: inner\r\nConnection: close\r\n\r\n",
        )

    assert said.status == 200
    assert said.body.startswith(b"HTTP/1.1 204")


async def test_a_body_goes_on_to_the_origin(site: Site) -> None:
    async with doorway() as gate:
        head = f"POST {site.url('/status/200')} HTTP/1.1\r\nHost: x\r\n".encode()
        said = await gate.say(
            head + gate.credentials + b"Content-Length: 5\r\n\r\n" + b"hello and no more"
        )

    assert said.status == 200
    assert site.journal[-1].body == b"hello"


@pytest.mark.parametrize(
    "request_line",
    [
        b"GET http://127.0.0.1:{port}/ HTTP/1.1",
        b"GET http://localhost:{port}/ HTTP/1.1",
        b"GET http://2130706433:{port}/ HTTP/1.1",
        b"GET http://[::1]:{port}/ HTTP/1.1",
        b"GET http://[::ffff:127.0.0.1]:{port}/ HTTP/1.1",
        b"GET http://user:pw@127.0.0.1:{port}/ HTTP/1.1",
        b"GET http://127.0.0.1%2f:{port}/ HTTP/1.1",
        b"GET ftp://127.0.0.1:{port}/ HTTP/1.1",
        b"GET https://127.0.0.1:{port}/ HTTP/1.1",
        b"GET gopher://127.0.0.1:{port}/ HTTP/1.1",
        b"CONNECT 127.0.0.1:{port} HTTP/1.1",
        b"CONNECT localhost:{port} HTTP/1.1",
        b"CONNECT LOCALHOST.:{port} HTTP/1.1",
        b"CONNECT 127.1:{port} HTTP/1.1",
        b"CONNECT 0x7f000001:{port} HTTP/1.1",
        b"CONNECT [::1]:{port} HTTP/1.1",
        b"CONNECT 169.254.169.254:80 HTTP/1.1",
        b"CONNECT denied.example:443 HTTP/1.1",
        b"CONNECT 93.184.216.34:22 HTTP/1.1",
        b"CONNECT 93.184.216.34:25 HTTP/1.1",
    ],
)
async def test_what_may_not_be_reached_is_denied_with_one_text(request_line: bytes) -> None:
    with Sink() as sink:
        line = request_line.replace(b"{port}", str(sink.port).encode())
        async with doorway(PUBLIC_ONLY) as gate:
            said = await gate.say(line + b"\r\nHost: x\r\n" + gate.credentials + b"\r\n")

    assert (said.status, said.body) == (403, DENIED_BODY)
    assert isinstance(gate.passage.fault, ForbiddenAddressError)
    assert sink.callers == []


@pytest.mark.parametrize(
    "request_bytes",
    [
        b"nonsense\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET http:///x HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET http://h:99999/ HTTP/1.1\r\nHost: x\r\n\r\n",
        b"CONNECT nowhere HTTP/1.1\r\nHost: x\r\n\r\n",
        b"CONNECT :80 HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET http://h/ HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"GET http://h/ HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
        b"GET http://h/ HTTP/1.1\r\nHost: x\r\nX: " + b"a" * 70_000 + b"\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(64),
    ],
)
async def test_what_is_no_request_of_a_forward_proxy_is_denied(request_bytes: bytes) -> None:
    async with doorway() as gate:
        said = await gate.say(request_bytes)

    assert (said.status, said.body) == (403, DENIED_BODY)


@pytest.mark.parametrize(
    "credentials",
    [b"", b"Proxy-Authorization: Basic am9iOnRva2Vu\r\n", b"Authorization: Basic x\r\n"],
)
async def test_without_the_token_of_the_passage_nobody_gets_out(
    site: Site, credentials: bytes
) -> None:
    before = len(site.journal)

    async with doorway() as gate:
        line = f"GET {site.clip_url(1)} HTTP/1.1\r\nHost: x\r\n".encode()
        said = await gate.say(line + credentials + b"\r\n")

    assert (said.status, said.body) == (403, DENIED_BODY)
    assert len(site.journal) == before


async def test_the_token_of_another_passage_opens_nothing(site: Site) -> None:
    async with doorway() as one, doorway() as other:
        head = f"GET {site.clip_url(1)} HTTP/1.1\r\nHost: x\r\n".encode()
        said = await other.say(head + one.credentials + b"\r\n")

    assert said.status == 403


@pytest.mark.parametrize(
    "answer",
    [
        ["127.0.0.1"],
        [PUBLIC, "127.0.0.1"],
        [PUBLIC, "10.0.0.1"],
        [PUBLIC, "fd00::1"],
        ["inner.example"],
        ["::ffff:127.0.0.1"],
        ["64:ff9b::7f00:1"],
        ["2002:7f00:1::1"],
    ],
)
async def test_any_answer_that_is_not_public_refuses_the_name(answer: list[str]) -> None:
    zone = {"mixed.example": [answer], "inner.example": [["192.168.1.1"]]}

    async with NameServer(zone) as names, doorway(PUBLIC_ONLY, names=names.resolve) as gate:
        said = await gate.connect("mixed.example:443")

    assert said.status == 403
    assert isinstance(gate.passage.fault, ForbiddenAddressError)
    assert ("mixed.example", "A") in names.asked


async def test_a_name_that_changes_its_address_after_the_judgement_gains_nothing() -> None:
    """The address that was judged is the one that is connected to; nobody asks twice."""
    with Sink() as sink:
        zone = {"rebound.example": [["127.0.0.2"], ["127.0.0.1"]]}
        policy = replace(PUBLIC_ONLY, allow_private=(ip_network("127.0.0.2/32"),))
        async with NameServer(zone) as names, doorway(policy, names=names.resolve) as gate:
            first = await gate.connect(f"rebound.example:{sink.port}")
            asked = names.asked.count(("rebound.example", "A"))
            second = await gate.connect(f"rebound.example:{sink.port}")

    assert (first.status, asked) == (200, 1)
    assert second.status == 403
    assert len(sink.callers) == 1


async def test_a_name_that_leads_nowhere_is_the_sources_trouble() -> None:
    async with NameServer({}) as names, doorway(PUBLIC_ONLY, names=names.resolve) as gate:
        said = await gate.connect("nobody.example:443")

    assert said.status == 502
    assert isinstance(gate.passage.fault, SourceTroubleError)


async def test_the_budget_counts_all_that_moves_and_then_cuts(site: Site) -> None:
    async with doorway(max_bytes=1_000_000) as gate:
        said = await gate.get(site.url("/endless.mp4"))

    assert isinstance(gate.passage.fault, TooLargeError)
    assert len(said.body) < 1_000_000 * 17 / 16 + 17 * 1024 * 1024 + 1


async def test_a_connection_on_which_nothing_moves_is_cut(site: Site) -> None:
    async with doorway(patience=timedelta(seconds=2)) as gate:
        said = await gate.get(site.clip_url(1, stall_after=1_000))

    assert len(said.body) == 1_000
    assert isinstance(gate.passage.fault, StalledError)


async def test_an_origin_that_speaks_no_http_is_in_trouble() -> None:
    with Sink() as sink:
        async with doorway() as gate:
            said = await gate.get(f"http://127.0.0.1:{sink.port}/")

    assert said.status == 502
    assert isinstance(gate.passage.fault, SourceTroubleError)


async def test_with_its_passage_all_of_its_connections_end(site: Site) -> None:
    async with doorway() as gate:
        reader, writer = await asyncio.open_connection("127.0.0.1", gate.port)
        head = f"GET {site.clip_url(1, size=900_000, bytes_per_s=100_000)} HTTP/1.1\r\nHost: x\r\n"
        writer.write(head.encode() + gate.credentials + b"\r\n")
        await reader.readexactly(100)

    rest = await asyncio.wait_for(reader.read(-1), 30)
    writer.close()

    assert len(rest) < 900_000
