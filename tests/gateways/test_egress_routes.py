"""The gate behind a rented proxy of each kind, and proxies that are none."""

import asyncio
import socket
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from domain.download import ProxyLease
from domain.failures import ForbiddenAddressError, ProxyFaultError, SourceTroubleError
from tests.gateways.doorway import PUBLIC_ONLY, doorway
from tests.support.certificates import self_signed
from tests.support.dead_proxy import DeadProxy
from tests.support.fetching import OPEN_LOOPBACK
from tests.support.names import NameServer
from tests.support.proxy import ForwardProxy
from tests.support.sink import Sink
from tests.support.site import Site
from tests.support.socks import SocksProxy


def lease(url: str, *, is_own: bool = True) -> ProxyLease:
    return ProxyLease(url=url, exit_name="the proxy", is_own=is_own)


@pytest.fixture(scope="module")
def proxy() -> Generator[ForwardProxy]:
    with ForwardProxy(password="s3cret") as proxy:
        yield proxy


@asynccontextmanager
async def answering(answer: bytes) -> AsyncGenerator[str]:
    """Yield the address of a proxy that says one thing to everybody, then nothing more."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer)
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"


async def test_an_http_proxy_is_told_the_address_that_was_judged_never_a_name(
    site: Site, proxy: ForwardProxy
) -> None:
    proxy.forget()
    async with (
        NameServer({"video.example": [["127.0.0.1"]]}) as names,
        doorway(lease=lease(proxy.url), names=names.resolve) as gate,
    ):
        said = await gate.get(f"http://video.example:{site.port}/audio.m4a")

    assert said.status == 200
    assert [(one.method, one.host) for one in proxy.journal] == [("CONNECT", "127.0.0.1")]
    assert site.journal[-1].headers["host"] == f"video.example:{site.port}"
    assert "proxy-authorization" not in site.journal[-1].headers


async def test_a_socks_proxy_is_told_the_address_that_was_judged_never_a_name(site: Site) -> None:
    async with (
        SocksProxy(password="s3cret") as socks,
        NameServer({"video.example": [["127.0.0.1"]]}) as names,
        doorway(
            lease=lease(f"socks5://user:s3cret@127.0.0.1:{socks.port}"), names=names.resolve
        ) as gate,
    ):
        said = await gate.get(f"http://video.example:{site.port}/audio.m4a")

    assert said.status == 200
    assert socks.asked == [(1, "127.0.0.1", site.port)]


async def test_an_https_proxy_must_be_who_it_says(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    known, stranger = self_signed(tmp_path, "127.0.0.1"), self_signed(tmp_path, "127.0.0.9")
    monkeypatch.setenv("SSL_CERT_FILE", str(known.certificate))
    said: list[int] = []
    faults: list[object] = []

    for certificate in (known, stranger):
        with ForwardProxy(password="s3cret", tls=certificate) as proxy:
            url = proxy.url.replace("http://", "https://")
            async with doorway(lease=lease(url)) as gate:
                said.append((await gate.get(site.url("/audio.m4a"))).status)
                faults.append(gate.passage.fault)

    assert said == [200, 502]
    assert faults[0] is None
    assert isinstance(faults[1], ProxyFaultError)


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n",
        b"HTTP/1.1 403 Forbidden\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n\r\n<html>buy more</html>",
        b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1/\r\n\r\n",
        b"<html>no proxy at all</html>\r\n\r\n",
        b"SSH-2.0-OpenSSH\r\n",
        b"HTTP/1.1 200 OK\r\nX: " + b"x" * 20_000,
        b"",
    ],
)
async def test_a_proxy_that_does_not_do_its_work_is_at_fault(site: Site, answer: bytes) -> None:
    async with answering(answer) as url, doorway(lease=lease(url)) as gate:
        said = await gate.get(site.url("/audio.m4a"))

    assert said.status == 502
    assert isinstance(gate.passage.fault, ProxyFaultError)


@pytest.mark.parametrize("status", [b"502 Bad Gateway", b"504 Gateway Timeout"])
async def test_a_target_that_the_proxy_cannot_reach_is_the_sources_trouble(
    site: Site, status: bytes
) -> None:
    async with (
        answering(b"HTTP/1.1 " + status + b"\r\n\r\n") as url,
        doorway(lease=lease(url)) as gate,
    ):
        await gate.get(site.url("/audio.m4a"))

    assert isinstance(gate.passage.fault, SourceTroubleError)


async def test_what_a_socks_proxy_refuses_is_told_by_who_is_at_fault(site: Site) -> None:
    faults: list[object] = []
    with socket.create_server(("127.0.0.1", 0)) as closed:
        nobody = closed.getsockname()[1]
    async with SocksProxy(password="s3cret") as socks:
        for password, port in (("wrong", site.port), ("s3cret", nobody)):
            url = f"socks5://user:{password}@127.0.0.1:{socks.port}"
            async with doorway(lease=lease(url)) as gate:
                await gate.get(f"http://127.0.0.1:{port}/x")
                faults.append(type(gate.passage.fault))

    assert faults == [ProxyFaultError, SourceTroubleError]


async def test_a_dead_proxy_is_at_fault_and_nothing_goes_round_it(site: Site) -> None:
    before = len(site.journal)
    with DeadProxy() as dead:
        async with doorway(lease=lease(dead.url)) as gate:
            said = await gate.connect(f"127.0.0.1:{site.port}", b"GET / HTTP/1.1\r\n\r\n")

    assert said.status == 502
    assert isinstance(gate.passage.fault, ProxyFaultError)
    assert len(site.journal) == before


async def test_the_targets_are_judged_behind_a_proxy_too(proxy: ForwardProxy) -> None:
    proxy.forget()
    async with doorway(PUBLIC_ONLY, lease=lease(proxy.url)) as gate:
        said = await gate.connect("127.0.0.1:80")

    assert said.status == 403
    assert isinstance(gate.passage.fault, ForbiddenAddressError)
    assert proxy.journal == ()


async def test_a_strangers_proxy_that_stands_inside_is_never_called() -> None:
    with Sink() as sink:
        url = f"http://proxy.example:{sink.port}"
        async with (
            NameServer({"proxy.example": [["127.0.0.1"]]}) as names,
            doorway(PUBLIC_ONLY, lease=lease(url, is_own=False), names=names.resolve) as gate,
        ):
            await gate.connect("93.184.216.34:443")

    assert isinstance(gate.passage.fault, ProxyFaultError)
    assert sink.callers == []


async def test_a_host_that_the_administrator_denies_is_denied_by_name(site: Site) -> None:
    policy = replace(OPEN_LOOPBACK, deny_hosts=("video.example",))
    async with (
        NameServer({"video.example": [["127.0.0.1"]]}) as names,
        doorway(policy, names=names.resolve) as gate,
    ):
        said = await gate.get(f"http://VIDEO.example.:{site.port}/audio.m4a")

    assert said.status == 403
    assert names.asked == []
