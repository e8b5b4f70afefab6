"""Progress: the WebSocket on which a user watches the downloads."""

import asyncio
from contextlib import suppress
from typing import cast
from urllib.parse import urlsplit

from quart import Blueprint, Websocket, websocket
from werkzeug.datastructures import Headers

from domain.keys import Scope
from runtime.settings import Server
from storage.db import DatabaseError
from web.callers import known_caller
from web.errands import end
from web.exchanges import exchange
from web.front import front
from web.hub import TooManySocketsError
from web.sockets import GONE, Socket, SocketClosedError, Watch

PROTOCOL = "bearer"
UNAUTHORIZED = 4401
BAD_ORIGIN = 4403
TOO_MANY = 4429
TRY_AGAIN = 1013

blueprint = Blueprint("progress", __name__)


@blueprint.websocket("/ws/progress")
async def progress() -> None:
    """Tell the caller how far each download is.

    A refused socket is accepted first and closed at once: only so can a browser see the code.
    """
    line: Websocket = _this_socket()
    offered = line.requested_subprotocols
    await line.accept(  # pyright: ignore[reportUnknownMemberType] - a bare dict in its types
        subprotocol=PROTOCOL if PROTOCOL in offered else None
    )
    exchange().status = 101
    try:
        await _serve(line, offered)
    except SocketClosedError as closed:
        exchange().status = closed.code
        # A client that is gone or reads nothing does not take the closing either.
        with suppress(TimeoutError, *GONE):
            async with asyncio.timeout(1):
                await line.close(closed.code, closed.reason)


async def _serve(line: Websocket, offered: list[str]) -> None:
    """Tell one socket until it ends.

    Raises:
        SocketClosedError: It is to be closed with this code.
    """
    if not is_own_page(line.headers, front().settings.server):
        raise SocketClosedError(BAD_ORIGIN, "origin")
    try:
        known = await known_caller(token := _token(offered))
        if known is None or not known.may(Scope.READ):
            raise SocketClosedError(UNAUTHORIZED, "token")
        services = front().services
        with front().hub.watch(known.user.user_id) as outbox:
            watch = Watch(
                user_id=known.user.user_id, downloads=services.downloads, feed=services.feed
            )
            socket = Socket(line, watch, outbox, still_known=lambda: _is_known(token))
            await _run(socket)
    except TooManySocketsError:
        raise SocketClosedError(TOO_MANY, "connections") from None
    except DatabaseError:
        raise SocketClosedError(TRY_AGAIN, "try again later") from None


async def _run(socket: Socket) -> None:
    """Run a socket's three loops until one of them ends it."""
    # Not a TaskGroup: it cancels once, and waits for ever if a library swallows that.
    loops = [asyncio.create_task(loop()) for loop in (socket.tell, socket.read, socket.check)]
    try:
        ended, _ = await asyncio.wait(loops, return_when=asyncio.FIRST_COMPLETED)
    finally:
        await end(loops)
    for loop in ended:
        loop.result()


def _this_socket() -> Websocket:
    """Return the socket itself: the proxy would be looked up in each task again."""
    line = websocket._get_current_object()  # noqa: SLF001  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType, reportAttributeAccessIssue] - the proxy is typed as what it stands for
    return cast("Websocket", line)


async def _is_known(token: str) -> bool:
    return await known_caller(token) is not None


def _token(offered: list[str]) -> str:
    """Return the token of the pair ["bearer", token], or an empty text."""
    return offered[1] if len(offered) == 2 and offered[0] == PROTOCOL else ""  # noqa: PLR2004


def is_own_page(headers: Headers, server: Server) -> bool:
    """Return whether the page that opens the socket is ours or an allowed one.

    No Origin means no browser, which nobody can trick into using somebody's token.
    """
    origin = headers.get("Origin")
    if origin is None or origin in server.cors_origins:
        return True
    if server.public_url:
        public = urlsplit(server.public_url)
        return origin == f"{public.scheme}://{public.netloc}"
    host = headers.get("Host", "")
    return origin in (f"http://{host}", f"https://{host}")
