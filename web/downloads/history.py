"""History: a user's downloads, page by page, newest first."""

from dataclasses import asdict

from quart import Blueprint, Response

from domain.keys import Scope
from domain.states import Status
from storage.history import Filters
from storage.stats import stats_of
from web.accounts.callers import caller
from web.bodies import path_id, read_query
from web.downloads.history_shapes import HistoryAsked, PageShown, StatsShown
from web.front import front
from web.openapi.operations import Operation, operation
from web.problems import forbidden, unauthorized
from web.views import answer, download_view

blueprint = Blueprint("history", __name__, url_prefix="/user")


@blueprint.get("/history")
@operation(Operation(tag="history", query=HistoryAsked, answers={200: PageShown}))
async def page() -> Response:
    """Return a page of the user's downloads, newest first."""
    user = await caller(Scope.READ)
    asked = read_query(HistoryAsked)
    wanted = Filters(user_id=user.user_id, status=asked.status, mode=asked.mode, q=asked.q)
    scope = ("history", *wanted.scope)
    cursors = front().cursors
    found = await front().services.history.page(
        wanted, before=cursors.read(scope, asked.cursor), limit=asked.limit
    )
    waits = await front().services.waits.of(found.rows)
    return answer(
        PageShown(
            items=[download_view(row, waits.get(row["history_id"])) for row in found.rows],
            next_cursor=cursors.give(scope, found.before),
        )
    )


@blueprint.get("/stats")
@operation(Operation(tag="history", answers={200: StatsShown}))
async def stats() -> Response:
    """Return the user's numbers: downloads by status, bytes kept, bytes delivered."""
    user = await caller(Scope.READ)
    found = await stats_of(front().services.db, user.user_id)
    if found is None:
        raise unauthorized()
    numbers = {status.label: number for status, number in found.downloads.items()}
    return answer(StatsShown.model_validate(asdict(found) | {"downloads": numbers}))


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
