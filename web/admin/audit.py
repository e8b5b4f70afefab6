"""The audit trail as administrators read it."""

from quart import Blueprint, Response

from storage.audit import Searched
from web.accounts.callers import admin
from web.admin.shapes import AuditAsked, AuditEntryShown, AuditShown
from web.bodies import read_query
from web.front import front
from web.openapi.operations import Operation, operation
from web.views import answer

blueprint = Blueprint("admin_audit", __name__, url_prefix="/admin")


@blueprint.get("/audit")
@operation(
    Operation(tag="administration", query=AuditAsked, answers={200: AuditShown}, problems=(403,))
)
async def page() -> Response:
    """Return a page of who did what, newest first."""
    user = await admin()
    asked = read_query(AuditAsked)
    wanted = Searched(
        user_id=asked.user, action=asked.action, history_id=asked.history_id, since=asked.since
    )
    since = asked.since and asked.since.isoformat()
    scope = ("audit", user.user_id, asked.user, asked.action, asked.history_id, since)
    cursors = front().cursors
    rows = await front().services.trail.page(
        wanted, before=cursors.read(scope, asked.cursor), limit=asked.limit + 1
    )
    shown = [AuditEntryShown(**row) for row in rows[: asked.limit]]
    following = shown[-1].audit_id if len(rows) > asked.limit else None
    return answer(AuditShown(items=shown, next_cursor=cursors.give(scope, following)))
