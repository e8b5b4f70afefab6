"""History: a user's downloads, page by page, newest first."""

from quart import Blueprint, Response

from domain.keys import Scope
from domain.states import Status
from web.bodies import path_id, read_query
from web.callers import caller
from web.front import front
from web.operations import Operation, operation
from web.problems import forbidden
from web.shapes import MAX_ID, HistoryAsked, PageShown
from web.views import answer, download_view

blueprint = Blueprint("history", __name__, url_prefix="/user")


@blueprint.get("/history")
@operation(Operation(tag="history", query=HistoryAsked, answers={200: PageShown}))
async def page() -> Response:
    """Return a page of the user's downloads, newest first."""
    user = await caller(Scope.READ)
    asked = read_query(HistoryAsked)
    cursors = front().cursors
    before = cursors.read(user.user_id, asked.cursor) if asked.cursor is not None else MAX_ID
    # One row more than asked for tells whether another page follows.
    rows = await front().services.downloads.page(user.user_id, before=before, limit=asked.limit + 1)
    shown = rows[: asked.limit]
    more = len(rows) > asked.limit
    return answer(
        PageShown(
            items=[download_view(row) for row in shown],
            next_cursor=cursors.give(user.user_id, shown[-1]["history_id"]) if more else None,
        )
    )


@blueprint.delete("/history/<history_id>")
@operation(Operation(tag="history", answers={204: None}, problems=(403,)))
async def delete(history_id: str) -> Response:
    """Cancel a download if it still works, and delete its file and its record."""
    user = await caller(Scope.SUBMIT)
    row = await front().services.downloads.hide(path_id(history_id), user.user_id)
    if row is None:
        raise forbidden()
    if Status(row["status"]) is Status.RUNNING:
        front().errands.run(front().services.feed.wish_cancelled(row["history_id"]))
    elif row["storage_node"] is not None:
        front().wakeups.send_remove(row["storage_node"])
    return Response(status=204)
