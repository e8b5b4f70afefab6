"""Administration of the nodes and of everybody's downloads."""

from quart import Blueprint, Response

from domain.waiting import Waiting
from storage.db import Row
from storage.history import Filters
from web.accounts.callers import admin
from web.admin.shapes import (
    AdminDownloadDetail,
    AdminDownloadShown,
    AdminPageShown,
    AdminStageRunShown,
    DownloadsAsked,
    NodeShown,
    NodesShown,
)
from web.bodies import path_id, read_query
from web.downloads.routes import cancel_of
from web.front import front
from web.openapi.operations import Operation, operation
from web.problems import Code, ProblemError
from web.shapes import DownloadShown
from web.views import answer, download_view

blueprint = Blueprint("admin_downloads", __name__, url_prefix="/admin")


@blueprint.get("/nodes")
@operation(Operation(tag="administration", answers={200: NodesShown}, problems=(403,)))
async def nodes() -> Response:
    """Return every storage node and how it is."""
    await admin()
    rows = await front().services.nodes.all()
    return answer(NodesShown(items=[NodeShown(**row) for row in rows]))


@blueprint.get("/downloads")
@operation(
    Operation(
        tag="administration", query=DownloadsAsked, answers={200: AdminPageShown}, problems=(403,)
    )
)
async def page() -> Response:
    """Return a page of everybody's downloads, newest first."""
    user = await admin()
    asked = read_query(DownloadsAsked)
    wanted = Filters(
        user_id=asked.user, status=asked.status, mode=asked.mode, node=asked.node, q=asked.q
    )
    scope = ("downloads", user.user_id, *wanted.scope)
    cursors = front().cursors
    found = await front().services.history.page(
        wanted, before=cursors.read(scope, asked.cursor), limit=asked.limit
    )
    waits = await front().services.waits.of(found.rows)
    items = [_view(row, waits.get(row["history_id"])) for row in found.rows]
    return answer(AdminPageShown(items=items, next_cursor=cursors.give(scope, found.before)))


@blueprint.get("/downloads/<history_id>")
@operation(Operation(tag="administration", answers={200: AdminDownloadDetail}, problems=(403, 404)))
async def show(history_id: str) -> Response:
    """Return anybody's download and what was done for it, with what yt-dlp said of failures."""
    await admin()
    downloads = front().services.downloads
    number, owner = await _found(history_id)
    row = await downloads.of_user(number, owner)
    if row is None:
        raise _unknown()
    runs = [AdminStageRunShown.model_validate(dict(run)) for run in await downloads.runs(number)]
    waits = await front().services.waits.of([row])
    return answer(AdminDownloadDetail(**dict(_view(row, waits.get(row["history_id"]))), runs=runs))


@blueprint.post("/downloads/<history_id>/cancel")
@operation(
    Operation(
        tag="administration",
        answers={200: DownloadShown, 202: DownloadShown},
        problems=(403, 404, 409),
    )
)
async def cancel(history_id: str) -> Response:
    """Cancel anybody's download: at once (200), or as soon as its worker stops (202)."""
    await admin()
    return await cancel_of(*await _found(history_id))


async def _found(history_id: str) -> tuple[int, int]:
    """Return the number of a download and whose it is.

    Raises:
        ProblemError: 404, there is none, or its record was deleted.
    """
    number = path_id(history_id)
    owner = await front().services.history.owner_of(number)
    if owner is None:
        raise _unknown()
    return number, owner


def _unknown() -> ProblemError:
    return ProblemError(404, Code.NOT_FOUND, "There is no such download.")


def _view(row: Row, waiting: Waiting | None = None) -> AdminDownloadShown:
    return AdminDownloadShown(
        **dict(download_view(row, waiting)),
        user_id=row["user_id"],
        storage_node=row["storage_node"],
    )
