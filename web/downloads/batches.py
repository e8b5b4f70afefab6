"""Batches: many addresses in one request, looked at and cancelled together."""

from collections import Counter
from collections.abc import Sequence

from quart import Blueprint, Response

from domain.keys import Scope
from domain.requests import Wish
from domain.states import Status
from storage.db import Row, Statements
from web.accounts.callers import caller
from web.bodies import path_id, read
from web.downloads.announcing import call_up, tell
from web.downloads.batch_shapes import (
    BatchAsked,
    BatchMember,
    BatchShown,
    BatchSubmitted,
    WishRefused,
)
from web.downloads.listings import Listing, judged_all, listing_of, refused
from web.front import front
from web.openapi.operations import Operation, operation
from web.problems import Code, forbidden
from web.repeats import Made, once, repeated
from web.shapes import DownloadShown, FailureShown
from web.views import answer, download_view
from web.webhooks.routes import attach_webhook, check_webhook

blueprint = Blueprint("batches", __name__, url_prefix="/download/batch")


@blueprint.post("")
@operation(
    Operation(
        tag="downloads",
        body=BatchAsked,
        answers={202: BatchSubmitted},
        problems=(429,),
        takes_key=True,
    )
)
async def submit() -> Response:
    """Submit many videos; one that is refused does not spoil the rest."""
    user = await caller(Scope.SUBMIT)
    await front().submits.enter(user.user_id)
    asked = await read(BatchAsked)
    if asked.playlist_url is not None:
        # First: what was accepted is told again, whatever the site says by now.
        told = await repeated(user.user_id, asked)
        if told is not None:
            return told
    check_webhook(asked.webhook)
    listing = await listing_of(asked, user.user_id)
    items = await judged_all(asked, listing)
    wishes = [item for item in items if isinstance(item, Wish)]

    async def make(statements: Statements) -> Made:
        if not wishes:
            return Made(rows=[], shown=_submitted(listing, items, [], None), status=202)
        await front().submits.check_room(statements, None)
        batches = front().services.batches
        made = await batches.submit(statements, user.user_id, asked.mode, wishes)
        await attach_webhook(statements, made.rows, asked.webhook)
        beyond = made.refusal and FailureShown(
            code=Code.QUOTA_EXCEEDED.value, message=str(made.refusal), retryable=True
        )
        shown = _submitted(listing, items, made.rows, beyond)
        location = shown.batch_id and f"/api/v1/download/batch/{shown.batch_id}"
        return Made(rows=list(made.rows), shown=shown, status=202, location=location or None)

    response, rows = await once(user.user_id, asked, make)
    call_up(rows)
    return response


@blueprint.get("/<batch_id>")
@operation(Operation(tag="downloads", answers={200: BatchShown}, problems=(403,)))
async def show(batch_id: str) -> Response:
    """Return how far each download of a batch is."""
    user = await caller(Scope.READ)
    return answer(await _batch_view(path_id(batch_id), user.user_id))


@blueprint.post("/<batch_id>/cancel")
@operation(Operation(tag="downloads", answers={200: BatchShown, 202: BatchShown}, problems=(403,)))
async def cancel(batch_id: str) -> Response:
    """Cancel what still works: at once (200), or as soon as those stop who hold some (202)."""
    user, number = await caller(Scope.SUBMIT), path_id(batch_id)
    rows = await front().services.batches.cancel(number, user.user_id)
    held = [row for row in rows if Status(row["status"]).is_active]
    for row in held:
        front().errands.run(front().services.feed.wish_cancelled(row["history_id"]))
    tell([row for row in rows if not Status(row["status"]).is_active])
    return answer(await _batch_view(number, user.user_id), 202 if held else 200)


def _submitted(
    listing: Listing,
    judged: Sequence[Wish | WishRefused],
    rows: Sequence[Row],
    beyond: FailureShown | None,
) -> BatchSubmitted:
    """Return what became of each video, in the order given; the rows are of the first good ones.

    Args:
        beyond: Why there is no row for the others.
    """
    waiting = iter(rows)
    items: list[DownloadShown | WishRefused] = []
    for video, item in zip(listing.videos, judged, strict=True):
        if isinstance(item, WishRefused):
            items.append(item)
        elif (row := next(waiting, None)) is not None:
            items.append(download_view(row))
        elif beyond is not None:
            items.append(refused(video, beyond))
    return BatchSubmitted(
        batch_id=rows[0]["batch_id"] if rows else None, downloads=items, truncated=listing.is_cut
    )


async def _batch_view(batch_id: int, user_id: int) -> BatchShown:
    """Return a batch as it stands.

    Raises:
        ProblemError: 403, it is not there or another's.
    """
    services = front().services
    rows = await services.batches.of_user(batch_id, user_id)
    if not rows:
        raise forbidden()
    running = [row["history_id"] for row in rows if row["status"] == Status.RUNNING]
    latest = await services.feed.latest(running)
    counts = Counter(Status(row["status"]).label for row in rows)
    return BatchShown(
        batch_id=batch_id,
        total=len(rows),
        counts=dict(counts),
        downloads=[
            BatchMember(
                history_id=row["history_id"],
                status=Status(row["status"]).label,
                status_code=row["status"],
                percent=_percent(row, latest.get(row["history_id"], {})),
            )
            for row in rows
        ],
    )


def _percent(row: Row, told: dict[str, object]) -> float | None:
    """Return how much of a file is there; None if that is not known."""
    if Status(row["status"]).has_asset:
        return 100.0
    percent = told.get("percent") if told.get("attempt") == row["attempts"] else None
    return percent if isinstance(percent, float | int) else None
