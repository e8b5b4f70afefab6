"""Elsewhere: files that another node keeps, by a redirect to it or passed on from it."""

from http import HTTPStatus

import httpx
from quart import Response, request

from domain.failures import FailureCode
from runtime import logs
from storage.deliveries import Outcome
from web.delivery.answers import PRIVATE, bodiless
from web.delivery.orders import Order
from web.delivery.transfers import Transfer, begin, send_by
from web.front import front
from web.problems import ProblemError
from web.transport.exchanges import exchange
from web.transport.pumps import CutError

_PIECE_BYTES = 1 << 18
_STATUSES = (200, 206, 304, 403, 409, 410, 412, 416, 429, 503)
_ASKED = ("Range", "If-Range", "If-None-Match", "If-Match")
_ANSWERED = (
    "Accept-Ranges", "Content-Disposition", "Content-Length", "Content-Range", "Content-Type",
    "Content-Security-Policy", "ETag", "Repr-Digest", "Retry-After",
)  # fmt: skip

_log = logs.get("web.delivery.elsewhere")


async def answer_of(order: Order, node: str) -> Response:
    """Return a redirect to the node that keeps the files, or what that node answers.

    Raises:
        ProblemError: 503, the node is away.
    """
    url = await front().services.nodes.url_of(node)
    if url is None:
        raise _away()
    if order.ticket is not None and order.ticket.use.is_redirected:
        # Sending it on again would go on for ever.
        _log.error(
            "node_url_leads_elsewhere",
            node=node,
            advice="storage.node_url of that node must reach its own web process",
        )
        raise _away()
    target = f"{url.rstrip('/')}{request.path}?ticket={_ticket(order)}"
    if front().settings.delivery.relay:
        return await _passed_on(order, target)
    return bodiless(307, {**PRIVATE, "Location": target, "Content-Length": "0"})


def _ticket(order: Order) -> str:
    """Return a ticket with which the other node need not ask again; never a longer one."""
    ends_at = int(front().now()) + front().settings.delivery.ticket_ttl_s
    if order.ticket is not None:
        ends_at = order.ticket.ends_at
    return order.as_ticket(order.use.after_redirect, ends_at)


async def _passed_on(order: Order, target: str) -> Response:
    """Return what the other node answers, its body piece by piece as it comes."""
    asked = [(name, text) for name in _ASKED for text in request.headers.getlist(name)]
    has_body = request.method != "HEAD"
    if has_body:
        # The slot of the other node too, as far as the user is concerned: it is one transfer.
        await begin(order.user.user_id, order.content)
    nodes = front().desk.nodes
    # A compressed body would have no length.
    headers = [*asked, ("Accept-Encoding", "identity")]
    try:
        answer = await nodes.send(
            nodes.build_request(request.method, target, headers=headers), stream=True
        )
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        _log.warning("node_does_not_answer", error=type(error).__name__)
        raise _away() from error
    exchange().exits.push_async_callback(answer.aclose)
    _check(answer)

    async def pass_on(transfer: Transfer) -> None:
        try:
            async for piece in answer.aiter_raw(_PIECE_BYTES):
                await transfer.send(piece)
        except httpx.HTTPError as error:
            raise CutError(Outcome.FILE_ENDED) from error

    if has_body:
        send_by(order.user.user_id, pass_on)
    told = {name: text for name in _ANSWERED if (text := answer.headers.get(name)) is not None}
    return bodiless(answer.status_code, {**PRIVATE, **told})


def _check(answer: httpx.Response) -> None:
    """Do nothing if a node of ours may answer so.

    Raises:
        ProblemError: 503; something else answers there, or what has no length, without which
            our own answer would end before its body.
    """
    has_length = "Content-Length" in answer.headers or answer.status_code == HTTPStatus.NOT_MODIFIED
    if not has_length or answer.status_code not in _STATUSES:
        _log.error(
            "node_answers_strangely",
            status=answer.status_code,
            advice="storage.node_url of that node must reach its own web process",
        )
        raise _away()


def _away() -> ProblemError:
    front().desk.tallies.count(Outcome.NODE_AWAY)
    return ProblemError(
        503, FailureCode.UNAVAILABLE, "The node that keeps this file is away for now."
    )
