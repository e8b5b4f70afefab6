"""Routes: how a judged address is reached, straight or through the rented proxy."""

import asyncio
import socket
import ssl
from base64 import b64encode
from collections.abc import Sequence
from contextlib import ExitStack, suppress
from http import HTTPStatus
from urllib.parse import SplitResult, unquote, urlsplit

from python_socks import ProxyConnectionError, ProxyError, ProxyTimeoutError, ProxyType
from python_socks.async_.asyncio import Proxy

from domain.addresses import Address
from domain.download import ProxyLease
from domain.failures import DownloadError, ProxyFaultError, SourceTroubleError
from gateways.egress.judge import Judge
from gateways.egress.wires import SocketWire, StreamWire, Wire

CONNECT_TIMEOUT_S = 10.0
_MAX_HEAD_BYTES = 16 * 1024
_SOCKS_UNREACHABLE = (3, 4, 5, 6)
"""Answers of SOCKS5 that speak of the target, not of the proxy. Source: RFC 1928, section 6."""


async def open_wire(judge: Judge, lease: ProxyLease, host: str, port: int) -> Wire:
    """Return a connection to a host, at an address that was judged.

    With a proxy it is the proxy that connects, but to that very address: it resolves nothing.

    Raises:
        ForbiddenAddressError: The host may not be reached.
        SourceTroubleError: It cannot be reached.
        ProxyFaultError: The proxy cannot, or refuses to.
    """
    targets = await judge.pin(host, port)
    try:
        async with asyncio.timeout(CONNECT_TIMEOUT_S):
            if lease.url is None:
                return SocketWire(await _connected(targets, port, SourceTroubleError))
            return await _through(judge, lease, urlsplit(lease.url), targets[0], port)
    except TimeoutError as error:
        raise (SourceTroubleError if lease.url is None else ProxyFaultError) from error


async def _connected(
    addresses: Sequence[Address], port: int, fault: type[DownloadError]
) -> socket.socket:
    """Return a socket connected to the first address that answers."""
    loop = asyncio.get_running_loop()
    for address in addresses:
        family = socket.AF_INET if address.version == 4 else socket.AF_INET6  # noqa: PLR2004 - IPv4
        connecting = socket.socket(family, socket.SOCK_STREAM)
        connecting.settimeout(0)
        with ExitStack() as closing:
            closing.callback(connecting.close)
            with suppress(OSError):
                await loop.sock_connect(connecting, (str(address), port))
                closing.pop_all()
                return connecting
    raise fault


async def _through(
    judge: Judge, lease: ProxyLease, proxy: SplitResult, target: Address, port: int
) -> Wire:
    host = proxy.hostname or ""
    pinned = await _proxy_addresses(judge, lease, host)
    if proxy.scheme.startswith("socks5"):
        return await _socks(proxy, pinned[0], target, port)
    connected = await _connected(pinned, proxy.port or 0, ProxyFaultError)
    with ExitStack() as closing:
        closing.callback(connected.close)
        try:
            wire = await _wire_to(proxy, connected)
            await _tunnel(wire, proxy, target, port)
        except (OSError, ValueError) as error:
            raise ProxyFaultError from error
        closing.pop_all()
    return wire


async def _wire_to(proxy: SplitResult, connected: socket.socket) -> Wire:
    if proxy.scheme == "http":
        return SocketWire(connected)
    reader, writer = await asyncio.open_connection(
        sock=connected, ssl=ssl.create_default_context(), server_hostname=proxy.hostname
    )
    return StreamWire(reader, writer)


async def _proxy_addresses(judge: Judge, lease: ProxyLease, host: str) -> Sequence[Address]:
    """Return where a proxy stands; one that a stranger named is judged like a user's address."""
    try:
        addresses = await judge.addresses(host)
    except SourceTroubleError as error:
        raise ProxyFaultError from error
    if not lease.is_own and not all(judge.is_allowed_proxy(one) for one in addresses):
        raise ProxyFaultError
    return addresses


async def _tunnel(wire: Wire, proxy: SplitResult, target: Address, port: int) -> None:
    """Have an HTTP proxy connect to an address."""
    place = f"[{target}]:{port}" if target.version == 6 else f"{target}:{port}"  # noqa: PLR2004 - IPv6
    head = f"CONNECT {place} HTTP/1.1\r\nHost: {place}\r\n"
    if proxy.username is not None:
        password = f"{unquote(proxy.username)}:{unquote(proxy.password or '')}"
        head += f"Proxy-Authorization: Basic {b64encode(password.encode()).decode()}\r\n"
    await wire.write(head.encode() + b"\r\n")
    answer = b""
    # A proxy that sends more than its own head before we speak through it is none.
    while not answer.endswith(b"\r\n\r\n"):
        piece = bytes(await wire.read())
        answer += piece
        if not piece or len(answer) > _MAX_HEAD_BYTES:
            raise ProxyFaultError
    status = answer.split(b" ", 2)[1][:3] if answer.startswith(b"HTTP/1.") else b""
    if status == b"200":
        return
    unreachable = (HTTPStatus.BAD_GATEWAY, HTTPStatus.GATEWAY_TIMEOUT)
    if status in [str(int(one)).encode() for one in unreachable]:
        raise SourceTroubleError
    raise ProxyFaultError


async def _socks(proxy: SplitResult, pinned: Address, target: Address, port: int) -> Wire:
    client = Proxy(
        proxy_type=ProxyType.SOCKS5,
        host=str(pinned),
        port=proxy.port or 0,
        username=unquote(proxy.username) if proxy.username else None,
        password=unquote(proxy.password) if proxy.password else None,
    )
    try:
        return SocketWire(await client.connect(str(target), port, timeout=CONNECT_TIMEOUT_S))
    except ProxyError as error:
        if error.error_code in _SOCKS_UNREACHABLE:
            raise SourceTroubleError from error
        raise ProxyFaultError from error
    except (ProxyConnectionError, ProxyTimeoutError, OSError) as error:
        raise ProxyFaultError from error
