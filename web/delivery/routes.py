"""The routes of delivery: a file, several in an archive, and tickets for both."""

from collections.abc import Sequence
from functools import partial

from quart import Blueprint, Response, request

from domain.keys import Scope
from storage import audit
from storage.assets import as_asset
from storage.audit import Action
from storage.db import Row
from web.accounts.callers import proven_caller
from web.bodies import read
from web.delivery import elsewhere, offload
from web.delivery.answers import PRIVATE, bodiless, etag_of, file_answer, refused
from web.delivery.archives import Archive
from web.delivery.dispositions import attachment
from web.delivery.openings import open_for
from web.delivery.orders import Order, archive_order, file_order, order_of, rows_of
from web.delivery.ranges import Refusal, Span, choose
from web.delivery.shapes import (
    ArchiveAsked,
    ArchiveTicketAsked,
    FileAsked,
    FileTicketAsked,
    TicketShown,
)
from web.delivery.tickets import Use
from web.delivery.transfers import Transfer, begin, count_at_the_end, send_by
from web.front import front
from web.openapi.operations import BINARY, Operation, operation
from web.problems import Code, ProblemError
from web.transport.exchanges import exchange
from web.views import answer

ZIP = "application/zip"

blueprint = Blueprint("delivery", __name__, url_prefix="/download")


@blueprint.get("/file")
@operation(
    Operation(
        tag="downloads",
        query=FileAsked,
        answers={200: BINARY, 206: BINARY, 304: None, 307: None},
        problems=(403, 409, 410, 412, 416, 429, 503),
        takes_ticket=True,
    )
)
async def send_file() -> Response:
    """Return the file of a finished download, or a part of it; HEAD returns its headers alone."""
    order = await file_order()
    rows = await rows_of(order.user, order.history_ids)
    if (node := _other_node(rows)) is not None:
        return await elsewhere.answer_of(order, node)
    asset = as_asset(rows[0])
    size = asset.digest.size_bytes
    chosen = choose(request.headers, method=request.method, etag=etag_of(asset), size_bytes=size)
    if isinstance(chosen, Refusal):
        return refused(asset, chosen)
    descriptor = await open_for(order, asset)
    response = file_answer(asset, chosen)
    if request.method != "HEAD":
        _go_on(order)
    if offload.is_on():
        offload.hand_over(response, order, asset, chosen)
    elif request.method != "HEAD":
        await begin(order.user.user_id, order.content)
        span = chosen or Span(0, size)
        send_by(order.user.user_id, partial(_send_span, descriptor, span))
        count_at_the_end([asset], span.length)
    return response


@blueprint.get("/archive")
@operation(
    Operation(
        tag="downloads",
        query=ArchiveAsked,
        answers={200: ZIP, 307: None},
        problems=(403, 409, 410, 429, 503),
        takes_ticket=True,
    )
)
async def send_archive() -> Response:
    """Return the files of several finished downloads as one ZIP."""
    order = await archive_order()
    rows = await rows_of(order.user, order.history_ids)
    if (node := _other_node(rows)) is not None:
        return await elsewhere.answer_of(order, node)
    assets = [as_asset(row) for row in rows]
    if request.method != "HEAD":
        # First, or a hundred descriptors would be held by each request that waits for a slot.
        await begin(order.user.user_id, order.content)
    archive = Archive([(asset, await open_for(order, asset)) for asset in assets])
    if request.method != "HEAD":
        send_by(order.user.user_id, archive.send)
        count_at_the_end(assets, archive.size_bytes)
    headers = {
        **PRIVATE,
        "Accept-Ranges": "none",
        "Content-Disposition": attachment(f"{len(assets)} files.zip"),
        "Content-Length": str(archive.size_bytes),
        "Content-Security-Policy": "sandbox",
        # An nginx in front sends it on as it comes.
        "X-Accel-Buffering": "no",
    }
    return bodiless(200, headers, content_type=ZIP)


@blueprint.post("/file-ticket")
@operation(
    Operation(
        tag="downloads",
        body=FileTicketAsked,
        answers={200: TicketShown},
        problems=(403, 409, 410, 429),
    )
)
async def give_file_ticket() -> Response:
    """Return a link to a finished file for a browser or a player."""
    known = await proven_caller(Scope.DELIVER)
    asked = await read(FileTicketAsked)
    return await _ticket(order_of(known, Use.FILE, (asked.history_id,)), "file")


@blueprint.post("/archive-ticket")
@operation(
    Operation(
        tag="downloads",
        body=ArchiveTicketAsked,
        answers={200: TicketShown},
        problems=(403, 409, 410, 429),
    )
)
async def give_archive_ticket() -> Response:
    """Return a link to an archive of several finished files for a browser."""
    known = await proven_caller(Scope.DELIVER)
    ids = tuple((await read(ArchiveTicketAsked)).history_ids)
    return await _ticket(order_of(known, Use.ARCHIVE, ids), "archive")


async def _ticket(order: Order, route: str) -> Response:
    front().pace.ticket(order.user.user_id)
    await rows_of(order.user, order.history_ids)
    ttl_s = front().settings.delivery.ticket_ttl_s
    ticket = order.as_ticket(order.use, int(front().now()) + ttl_s)
    url = f"{front().public_url}/api/v1/download/{route}?ticket={ticket}"
    await audit.note(
        front().services.db,
        Action.TICKET,
        user_id=order.user.user_id,
        history_ids=order.history_ids,
    )
    shown = TicketShown(ticket=ticket, url=url, expires_in=ttl_s)
    return answer(shown)


def _other_node(rows: Sequence[Row]) -> str | None:
    """Return the one other node that keeps the files, or None if they are here.

    Raises:
        ProblemError: 409, they lie on several.
    """
    by_node: dict[str, list[int]] = {}
    for row in rows:
        by_node.setdefault(row["storage_node"], []).append(row["history_id"])
    if len(by_node) > 1:
        raise ProblemError(
            409,
            Code.CONFLICT,
            "These files are kept on several machines; ask for each group by itself.",
            more={"groups": list(by_node.values())},
        )
    (node,) = by_node
    return None if node == front().settings.storage.node else node


def _go_on(order: Order) -> None:
    """Let the link of a transfer go on after its own time: from now on, and from the last byte."""
    if (ticket := order.ticket) is None:
        return
    at = front()

    def note() -> None:
        at.errands.run(at.desk.continuations.note(ticket, at.now()))

    note()
    exchange().exits.callback(note)


async def _send_span(descriptor: int, span: Span, transfer: Transfer) -> None:
    await transfer.send_file(descriptor, span.start, span.length)
