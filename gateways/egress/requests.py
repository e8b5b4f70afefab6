"""What a child asks of the gate: the head of one request, in either form of a forward proxy."""

from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import SplitResult, urlsplit

import h11

from gateways.egress.wires import Wire

MAX_HEAD_BYTES = 64 * 1024

# Of one hop only, or telling of where a request came from. Source: RFC 9110, 7.6.1; YT-18.
_DROPPED = frozenset(
    {
        *(b"connection", b"proxy-connection", b"keep-alive", b"te", b"trailer", b"upgrade"),
        *(b"proxy-authorization", b"proxy-authenticate", b"host", b"expect"),
        *(b"forwarded", b"via", b"x-forwarded-for", b"x-forwarded-host", b"x-real-ip"),
    }
)
_CLOSING = (b"connection:", b"proxy-connection:", b"keep-alive:")


class BadRequestError(Exception):
    """It is no request that a forward proxy understands."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One request of a child.

    Attributes:
        head: What is sent on to an origin; None for a tunnel.
        body_bytes: How much of a body belongs to it.
        rest: What came behind the head already.
        credentials: The value of Proxy-Authorization; empty if there is none.
        is_foreign: It asks for another protocol than http, or names a user: never let through.
    """

    host: str
    port: int
    head: bytes | None
    body_bytes: int
    rest: bytes
    credentials: bytes
    is_foreign: bool


async def read_request(wire: Wire) -> Request | None:
    """Return the request that a child begins its connection with, or None if it sends nothing.

    Raises:
        BadRequestError: It is none.
    """
    parser = h11.Connection(h11.SERVER, max_incomplete_event_size=MAX_HEAD_BYTES)
    try:
        while (event := parser.next_event()) is h11.NEED_DATA:
            parser.receive_data(bytes(await wire.read()))
    except h11.RemoteProtocolError as error:
        raise BadRequestError from error
    if not isinstance(event, h11.Request):
        return None
    rest, _ = parser.trailing_data
    fields = list(event.headers)
    is_tunnel = event.method == b"CONNECT"
    parts = _split("//" * is_tunnel + event.target.decode("ascii"))
    host, port = _place(parts, None if is_tunnel else 80)
    return Request(
        host=host,
        port=port,
        head=None if is_tunnel else _forwarded(event.method, parts, fields),
        body_bytes=0 if is_tunnel else _body_bytes(fields),
        rest=rest,
        credentials=_value(fields, b"proxy-authorization"),
        is_foreign=parts.scheme != ("" if is_tunnel else "http")
        or "@" in parts.netloc
        or "%" in parts.netloc,
    )


def closing_head(head: bytes) -> bytes:
    """Return the head of an answer that says: this connection carries no other.

    The next request of the child may be for another host, which must be judged again.
    """
    lines = head.split(b"\n")
    kept = [line for line in lines if not line.lower().startswith(_CLOSING)]
    return b"\n".join([kept[0], b"Connection: close\r", *kept[1:]])


def _split(target: str) -> SplitResult:
    try:
        return urlsplit(target)
    except ValueError as error:
        raise BadRequestError from error


def _forwarded(method: bytes, parts: SplitResult, fields: Iterable[tuple[bytes, bytes]]) -> bytes:
    """Return the head for the origin of a request in absolute form."""
    path = parts.path or "/"
    line = f"{path}?{parts.query}" if parts.query else path
    # The one host that was judged is the one that the origin is asked for.
    kept = [(b"Host", parts.netloc.encode()), (b"Connection", b"close")]
    kept += [(name, value) for name, value in fields if name not in _DROPPED]
    rows = b"".join(name + b": " + value + b"\r\n" for name, value in kept)
    return method + b" " + line.encode() + b" HTTP/1.1\r\n" + rows + b"\r\n"


def _place(parts: SplitResult, default_port: int | None) -> tuple[str, int]:
    try:
        host, port = parts.hostname, parts.port or default_port
    except ValueError as error:
        raise BadRequestError from error
    if not host or not port:
        raise BadRequestError
    return host, port


def _body_bytes(fields: Iterable[tuple[bytes, bytes]]) -> int:
    # h11 has checked that there is one length, and that it is a number.
    if _value(fields, b"transfer-encoding"):
        raise BadRequestError
    return int(_value(fields, b"content-length") or b"0")


def _value(fields: Iterable[tuple[bytes, bytes]], wanted: bytes) -> bytes:
    return next((value for name, value in fields if name == wanted), b"")
