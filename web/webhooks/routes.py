"""Webhooks: their secret, the log of what they were told, and telling it again."""

from collections.abc import Sequence

from quart import Blueprint, Response

from domain import webhooks
from domain.failures import DownloadError
from domain.keys import Scope
from storage.db import Row, Statements
from storage.webhooks import REPLAYS_WITHIN, Replay
from web.accounts.callers import caller
from web.bodies import path_id, read_query
from web.front import front
from web.openapi.operations import Operation, operation
from web.problems import Code, ProblemError, TooManyError
from web.views import answer
from web.webhooks.shapes import (
    ReplayBegun,
    WebhookAttemptShown,
    WebhookDeliveriesAsked,
    WebhookDeliveriesShown,
    WebhookDeliveryShown,
    WebhookSecretShown,
    WebhookSecretState,
)

blueprint = Blueprint("webhooks", __name__, url_prefix="/user")


@blueprint.get("/webhook-secret")
@operation(Operation(tag="webhooks", answers={200: WebhookSecretState}))
async def secret_state() -> Response:
    """Return whether the user has a secret for webhooks, never the secret."""
    user = await caller()
    row = await front().services.webhook_secrets.of(user.user_id)
    made_at, until = (None, None) if row is None else (row["made_at"], row["old_until"])
    return answer(WebhookSecretState(exists=row is not None, made_at=made_at, previous_until=until))


@blueprint.post("/webhook-secret")
@operation(Operation(tag="webhooks", answers={201: WebhookSecretShown}, problems=(429,)))
async def show_secret() -> Response:
    """Make a secret, or another; it is shown now and never again, and the old one signs on."""
    user = await caller()
    front().pace.change(user.user_id)
    shown = await front().services.webhook_secrets.show(user.user_id)
    return answer(WebhookSecretShown.model_validate(shown, from_attributes=True), 201)


@blueprint.get("/webhook-deliveries")
@operation(
    Operation(tag="webhooks", query=WebhookDeliveriesAsked, answers={200: WebhookDeliveriesShown})
)
async def page() -> Response:
    """Return a page of what the user's webhooks were told, newest first."""
    user = await caller(Scope.READ)
    asked = read_query(WebhookDeliveriesAsked)
    scope = ("webhooks", user.user_id, asked.history_id, asked.status)
    cursors = front().cursors
    rows = await front().services.webhooks.page(
        user.user_id,
        history_id=asked.history_id,
        status=asked.status,
        before=cursors.read(scope, asked.cursor),
        limit=asked.limit + 1,
    )
    shown = [_view(row) for row in rows[: asked.limit]]
    following = shown[-1].delivery_id if len(rows) > asked.limit else None
    return answer(WebhookDeliveriesShown(items=shown, next_cursor=cursors.give(scope, following)))


@blueprint.post("/webhook-deliveries/<delivery_id>/replay")
@operation(Operation(tag="webhooks", answers={202: ReplayBegun}, problems=(403, 409, 429)))
async def replay(delivery_id: str) -> Response:
    """Tell a webhook the same once more."""
    user = await caller(Scope.SUBMIT)
    number = path_id(delivery_id, "delivery_id")
    match await front().services.webhooks.replay(number, user.user_id):
        case Replay.BEGUN:
            return answer(ReplayBegun(delivery_id=number), 202)
        case Replay.UNKNOWN:
            raise ProblemError(403, Code.FORBIDDEN, "There is no such delivery of yours.")
        case Replay.PENDING:
            raise ProblemError(409, Code.CONFLICT, "This delivery has not ended yet.")
        case Replay.TOO_MANY:
            wait_s = REPLAYS_WITHIN.total_seconds()
            raise TooManyError(wait_s, "That is too many replays within a minute.")


def check_webhook(url: str | None) -> None:
    """Do nothing if an address may be told of ends, or if there is none.

    Raises:
        ProblemError: 422, it may not.
    """
    try:
        if url is not None:
            webhooks.check(url, front().services.address_policy)
    except DownloadError as error:
        raise ProblemError(422, error.code, str(error), errors=[("webhook", str(error))]) from None


async def attach_webhook(statements: Statements, rows: Sequence[Row], url: str | None) -> None:
    """Have the ends of new downloads of one user told to an address, if there is one."""
    if url is not None and rows:
        await front().services.webhooks.attach(statements, rows, url)


def _view(row: Row) -> WebhookDeliveryShown:
    shown = {name: row[name] for name in WebhookDeliveryShown.model_fields if name in row}
    return WebhookDeliveryShown.model_validate(
        shown
        | {
            "webhook_id": f"msg_{row['message_id'].hex}",
            "attempts": [WebhookAttemptShown.model_validate(dict(one)) for one in row["attempts"]],
        }
    )
