"""Downloads: submit one, look at it, cancel it, try it again."""

from typing import NoReturn

from quart import Blueprint, Response

from domain.keys import Scope
from domain.requests import check_url
from domain.states import Status
from storage.db import Row, Statements
from web.accounts.callers import caller
from web.bodies import path_id, read
from web.downloads.announcing import call_up, tell
from web.front import front
from web.openapi.operations import Operation, operation
from web.problems import Code, ProblemError, forbidden
from web.repeats import Made, once
from web.shapes import DownloadAsked, DownloadDetail, DownloadShown
from web.views import answer, detail_view, download_view
from web.webhooks.routes import attach_webhook, check_webhook

blueprint = Blueprint("downloads", __name__, url_prefix="/download")


@blueprint.post("")
@operation(
    Operation(
        tag="downloads",
        body=DownloadAsked,
        answers={202: DownloadShown},
        problems=(429,),
        takes_key=True,
    )
)
async def submit() -> Response:
    """Submit a video; it is accepted once this answers, whatever happens afterwards."""
    user = await caller(Scope.SUBMIT)
    await front().submits.enter(user.user_id)
    asked = await read(DownloadAsked)
    front().services.address_policy.check_url(check_url(asked.url))
    check_webhook(asked.webhook)

    wish = asked.whole_wish
    expected = await front().submits.expected_bytes(wish)

    async def make(statements: Statements) -> Made:
        services = front().services
        await front().submits.check_room(statements, expected)
        row = await services.downloads.submit(user.user_id, asked.mode, wish, statements)
        await attach_webhook(statements, [row], asked.webhook)
        if expected is not None:
            await services.room.estimate(statements, row["history_id"], expected)
        return Made(rows=[row], shown=download_view(row), status=202, location=_place(row))

    response, rows = await once(user.user_id, asked, make)
    call_up(rows)
    return response


@blueprint.get("/<history_id>")
@operation(Operation(tag="downloads", answers={200: DownloadDetail}, problems=(403,)))
async def show(history_id: str) -> Response:
    """Return one download and what was done for it, stage by stage."""
    user = await caller(Scope.READ)
    downloads = front().services.downloads
    row = await downloads.of_user(path_id(history_id), user.user_id)
    if row is None:
        raise forbidden()
    waiting = (await front().services.waits.of([row])).get(row["history_id"])
    return answer(detail_view(row, await downloads.runs(row["history_id"]), waiting))


@blueprint.post("/<history_id>/cancel")
@operation(
    Operation(
        tag="downloads",
        answers={200: DownloadShown, 202: DownloadShown},
        problems=(403, 409),
    )
)
async def cancel(history_id: str) -> Response:
    """Cancel a download: at once (200), or as soon as the worker that holds it stops (202)."""
    user = await caller(Scope.SUBMIT)
    return await cancel_of(path_id(history_id), user.user_id)


@blueprint.post("/<history_id>/retry")
@operation(Operation(tag="downloads", answers={202: DownloadShown}, problems=(403, 409, 429)))
async def retry(history_id: str) -> Response:
    """Queue a failed or cancelled download again."""
    user = await caller(Scope.SUBMIT)
    await front().submits.enter(user.user_id)
    row = await front().services.downloads.retry(path_id(history_id), user.user_id)
    if row is None:
        await _refuse_move(
            path_id(history_id),
            user.user_id,
            "Only a failed or cancelled download can be tried again.",
        )
    call_up([row])
    return answer(download_view(row), 202, Location=_place(row))


async def cancel_of(history_id: int, user_id: int) -> Response:
    """Cancel a user's download and answer what became of it.

    Raises:
        ProblemError: 403 not this user's, 409 it has ended.
    """
    row = await front().services.downloads.cancel(history_id, user_id)
    if row is None:
        await _refuse_move(history_id, user_id, "This download has ended.")
    if Status(row["status"]).is_active:
        front().errands.run(front().services.feed.wish_cancelled(row["history_id"]))
        return answer(download_view(row), 202)
    tell([row])
    return answer(download_view(row))


async def _refuse_move(history_id: int, user_id: int, detail: str) -> NoReturn:
    """Say why a download of this state, or of nobody, was not moved.

    Raises:
        ProblemError: 403 not this user's, 409 it is.
    """
    if await front().services.downloads.of_user(history_id, user_id) is None:
        raise forbidden()
    raise ProblemError(409, Code.CONFLICT, detail)


def _place(row: Row) -> str:
    return f"/api/v1/download/{row['history_id']}"
