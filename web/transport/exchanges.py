"""Exchanges: one request and its answer, from the first byte to the last, around the app."""

import asyncio
import ipaddress
import time
import uuid
from collections.abc import AsyncGenerator, Awaitable, Callable, MutableMapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, cast

import structlog
from quart import has_websocket_context, request, websocket

from runtime import logs
from storage import audit
from storage.audit import Actor
from storage.deliveries import Outcome
from web.metrics.meter import Meter
from web.problems import MEDIA_TYPE, Code, ProblemError
from web.transport.outlets import Outlet
from web.transport.pumps import CutError
from web.transport.wire import OUTLET

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]
Body = Callable[[Outlet], Awaitable[None]]

MAX_TARGET = 2_048
MAX_HEADER_BYTES = 16_384

_KEY = "vasset.exchange"
_DEFAULTS = {
    b"x-content-type-options": b"nosniff",
    b"referrer-policy": b"no-referrer",
    b"content-security-policy": b"default-src 'none'; frame-ancestors 'none'",
    b"cache-control": b"no-store",
}

_log = logs.get("web.transport.exchanges")


@dataclass(slots=True, kw_only=True)
class Exchange:
    """What becomes known of a request while it is answered; its log line is made of it.

    Attributes:
        route: The pattern of the route, never the address: that holds ids and secrets.
        task: The app's own task that answers.
        body: Sends the body past the app, which answers with an empty one; see outlets.py.
        exits: What must be given back when the last byte is sent or the client is gone.
        cut: Why the body did not arrive whole, or None.
    """

    request_id: str = field(default_factory=lambda: uuid.uuid4().hex)
    route: str | None = None
    user_id: int | None = None
    status: int = 0
    task: "asyncio.Task[Any] | None" = None
    body: Body | None = None
    sent_bytes: int = 0
    cut: Outcome | None = None
    exits: AsyncExitStack = field(default_factory=AsyncExitStack)


def exchange() -> Exchange:
    """Return the exchange of this request or socket."""
    scope = websocket.scope if has_websocket_context() else request.scope
    return cast("Exchange", cast("dict[str, Any]", scope)[_KEY])


class Exchanges:
    """The app with an exchange around each request: limits, headers, log line, clean-up.

    Around Quart and not in its hooks, because a body is sent after those have run: only here is
    it known that the last byte went out, or that nobody is there any more.
    """

    def __init__(self, app: App, meter: Meter) -> None:
        self._app = app
        self._meter = meter

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, socket or lifespan."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        seen = Exchange()
        scope[_KEY] = seen
        audit.begin(Actor(request_id=seen.request_id, network=_network_of(scope)))
        start = time.perf_counter()

        async def send_on(message: Message) -> None:
            if message["type"] in ("http.response.start", "websocket.http.response.start"):
                seen.status = message["status"]
                message["headers"] = _complete(message.get("headers", []), seen.request_id)
            is_last = message["type"] == "http.response.body" and not message.get("more_body")
            if is_last and seen.body is not None:
                await _send_body(seen, seen.body, scope[OUTLET])
            if seen.cut is None:
                await send(message)

        with structlog.contextvars.bound_contextvars(request_id=seen.request_id):
            try:
                async with seen.exits, _ended(seen):
                    await self._answer(scope, receive, send_on)
            finally:
                seconds = time.perf_counter() - start
                if scope["type"] == "http":
                    self._meter.count(seen.route, scope["method"], seen.status, seconds)
                _log.info(
                    "request",
                    method=scope.get("method", "SOCKET"),
                    route=seen.route,
                    status=seen.status,
                    seconds=round(seconds, 4),
                    user_id=seen.user_id,
                    **_told_of_body(seen),
                )

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            await self._app(scope, _plain_messages(receive), send)
        elif (problem := _too_large(scope)) is not None:
            headers = [(b"content-type", MEDIA_TYPE.encode()), (b"connection", b"close")]
            body = problem.body()
            headers.append((b"content-length", str(len(body)).encode()))
            await send(
                {"type": "http.response.start", "status": problem.status, "headers": headers}
            )
            await send({"type": "http.response.body", "body": body, "more_body": False})
        else:
            await self._app(scope, receive, send)


@asynccontextmanager
async def _ended(seen: Exchange) -> AsyncGenerator[None]:
    """Let the app's task end before what it works with is given back.

    Quart leaves it behind when it is cancelled itself, which uvicorn does when it stops. It would
    read from descriptors that are closed, and belong to another file by now.
    """
    try:
        yield
    finally:
        if seen.task is not None and not seen.task.done():
            seen.task.cancel()
            await asyncio.wait([seen.task])


async def _send_body(seen: Exchange, body: Body, outlet: Outlet) -> None:
    """Send the body of an answer; what cuts it short breaks the connection off."""
    try:
        async with outlet.opened():
            await body(outlet)
    except CutError as error:
        seen.cut = error.outcome
        await outlet.cut()
    except asyncio.CancelledError:
        # The server stops, or the client's end was heard of before a byte was refused.
        seen.cut = Outcome.CLIENT_GONE
        raise
    finally:
        seen.sent_bytes = outlet.sent_bytes


def _network_of(scope: Scope) -> str | None:
    """Return from what kind of network a request comes: enough to see what is odd."""
    try:
        address = ipaddress.ip_address((scope.get("client") or ("",))[0])
    except ValueError:
        return None
    return "loopback" if address.is_loopback else "private" if address.is_private else "public"


def _told_of_body(seen: Exchange) -> dict[str, object]:
    if seen.body is None:
        return {}
    return {"sent_bytes": seen.sent_bytes, "cut": seen.cut and seen.cut.value}


def _too_large(scope: Scope) -> ProblemError | None:
    """Return the problem of an address or of headers that are too long."""
    target = len(scope.get("raw_path") or b"") + len(scope["query_string"])
    if target > MAX_TARGET:
        return ProblemError(414, Code.INVALID_REQUEST, "The address is too long.")
    if sum(len(name) + len(text) for name, text in scope["headers"]) > MAX_HEADER_BYTES:
        return ProblemError(431, Code.INVALID_REQUEST, "The headers are too large.")
    return None


def _complete(headers: list[tuple[bytes, bytes]], request_id: str) -> list[tuple[bytes, bytes]]:
    """Return the headers with those that every answer has; what a route set stays."""
    given = {name.lower() for name, _ in headers}
    added = [(name, text) for name, text in _DEFAULTS.items() if name not in given]
    return [*headers, *added, (b"x-request-id", request_id.encode())]


def _plain_messages(receive: Receive) -> Receive:
    """Return the socket's messages as texts: Quart fails on an empty binary one."""

    async def receive_plain() -> Message:
        message = await receive()
        if message["type"] == "websocket.receive" and not message.get("text"):
            return {"type": "websocket.receive", "bytes": None, "text": "-"}
        return message

    return receive_plain
