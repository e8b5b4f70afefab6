"""Progress: the WebSocket on which a user watches the downloads, and the tickets for it."""

import asyncio
import re
from contextlib import suppress
from http import HTTPStatus
from typing import cast

from quart import Blueprint, Response, Websocket, websocket

from domain.failures import FailureCode
from domain.keys import Scope
from runtime import logs
from storage.db import DatabaseError
from storage.redis_door import RedisFault
from storage.socket_tickets import TTL_S
from web import origins
from web.accounts.callers import Caller, caller, known_caller, proven_caller, still_known
from web.accounts.shapes import SocketTicketShown
from web.front import front
from web.openapi.operations import Operation, operation
from web.problems import Code, ProblemError
from web.progress.hub import TooManySocketsError
from web.progress.lines import LINE, Line
from web.progress.shapes import ProgressSnapshot
from web.progress.sockets import GONE, TRY_AGAIN, UNAUTHORIZED, Socket, SocketClosedError
from web.transport.exchanges import exchange
from web.views import answer

PROTOCOL = "bearer"
BAD_ORIGIN = 4403
TOO_MANY = 4429

_NUMBER = re.compile(r"[1-9][0-9]{0,15}", re.ASCII)

_log = logs.get("web.progress.routes")

blueprint = Blueprint("progress", __name__)


@blueprint.post("/auth/ws-ticket")
@operation(Operation(tag="accounts", answers={200: SocketTicketShown}))
async def give_ticket() -> Response:
    """Return a ticket that opens the progress socket once, where no token can be shown."""
    proof = (await proven_caller(Scope.READ)).proof
    try:
        ticket = await front().services.socket_tickets.give(proof)
    except RedisFault:
        detail = "No ticket can be given for now."
        raise ProblemError(503, FailureCode.UNAVAILABLE, detail) from None
    return answer(SocketTicketShown(ticket=ticket, expires_in=TTL_S))


@blueprint.websocket("/ws/progress")
async def progress() -> None:
    """Tell the caller how far each download is.

    A refused socket is accepted first and closed at once: only so can a browser see the code.
    """
    socket: Websocket = _this_socket()
    offered = socket.requested_subprotocols
    await socket.accept(  # pyright: ignore[reportUnknownMemberType] - a bare dict in its types
        subprotocol=PROTOCOL if PROTOCOL in offered else None
    )
    exchange().status = 101
    try:
        await _serve(socket)
    except SocketClosedError as closed:
        exchange().status = closed.code
        # A client that is gone or reads nothing does not take the closing either.
        with suppress(TimeoutError, *GONE):
            async with asyncio.timeout(1):
                await socket.close(closed.code, closed.reason)


@blueprint.get("/progress")
@operation(Operation(tag="downloads", answers={200: ProgressSnapshot}))
async def snapshot() -> Response:
    """Return how far everything queued or running is, as a socket's first message does.

    For clients that cannot open a socket: poll it every few seconds.
    """
    user = await caller(Scope.READ)
    seq, entries = await front().hub.snapshot(user.user_id)
    return answer(ProgressSnapshot.model_validate({"seq": seq, "downloads": entries}))


@blueprint.get("/ws/progress")
@operation(
    Operation(tag="downloads", answers={}, problems=(426,), is_public=True, needs_records=False)
)
async def explain() -> Response:
    """Explain why a socket did not open: a proxy on the way removed the upgrade headers."""
    _log.warning(
        "socket_without_upgrade",
        advice="the proxy in front must pass on the headers Upgrade and Connection, as"
        " deploy/nginx does; until then pages poll every few seconds",
    )
    raise ProblemError(
        HTTPStatus.UPGRADE_REQUIRED,
        Code.INVALID_REQUEST,
        "This is a WebSocket: the request, or a proxy on its way, lacks the header Upgrade.",
        headers={"Upgrade": "websocket", "Connection": "Upgrade"},
    )


async def _serve(socket: Websocket) -> None:
    """Let one socket be told what happens until it ends.

    Raises:
        SocketClosedError: It is to be closed with this code.
    """
    if not origins.may_call(socket.headers, front().settings.server):
        origins.note_refused(socket.headers)
        raise SocketClosedError(BAD_ORIGIN, "origin: see server.trusted_origins")
    line = cast("Line", cast("dict[str, object]", socket.scope)[LINE])
    try:
        known = await _caller_of(socket)
        if known is None or not known.may(Scope.READ):
            raise SocketClosedError(UNAUTHORIZED, "token")
        async with front().hub.watch(known.user.user_id, line, since=_since(socket)) as listener:
            await Socket(socket, line, listener, still_known=lambda: _is_known(known)).run()
    except TooManySocketsError:
        raise SocketClosedError(TOO_MANY, "connections") from None
    except (DatabaseError, *RedisFault):
        raise SocketClosedError(TRY_AGAIN, "try again later") from None


async def _caller_of(socket: Websocket) -> Caller | None:
    """Return who opens a socket, by a ticket, or by a token where a page cannot log it."""
    if "ticket" not in socket.args:
        return await known_caller(_token(socket.requested_subprotocols))
    proof = await front().services.socket_tickets.take(socket.args["ticket"])
    return None if proof is None else await still_known(proof)


async def _is_known(known: Caller) -> bool:
    again = await still_known(known.proof)
    return again is not None and again.may(Scope.READ)


def _since(socket: Websocket) -> int | None:
    """Return the number after which the client wants to go on; None: it knows nothing."""
    text = socket.args.get("since", "")
    return int(text) if _NUMBER.fullmatch(text) else None


def _this_socket() -> Websocket:
    """Return the socket itself: the proxy would be looked up in each task again."""
    socket = websocket._get_current_object()  # noqa: SLF001  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType, reportAttributeAccessIssue] - the proxy is typed as what it stands for
    return cast("Websocket", socket)


def _token(offered: list[str]) -> str:
    """Return the token of the pair ["bearer", token], or an empty text."""
    return offered[1] if len(offered) == 2 and offered[0] == PROTOCOL else ""  # noqa: PLR2004
