"""History: a user's downloads, page by page, newest first."""

from quart import Blueprint, Response

from web.bodies import read_query
from web.callers import caller
from web.front import front
from web.operations import Operation, operation
from web.shapes import MAX_ID, HistoryAsked, PageShown
from web.views import answer, download_view

blueprint = Blueprint("history", __name__, url_prefix="/user")


@blueprint.get("/history")
@operation(Operation(tag="history", query=HistoryAsked, answers={200: PageShown}))
async def page() -> Response:
    """Return a page of the user's downloads, newest first."""
    user = await caller()
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
