"""Quotas: what a user may use, seen by the user; web/admin/users.py changes it."""

from quart import Blueprint, Response

from domain.keys import Scope
from storage.quotas import Books
from web.accounts.callers import caller
from web.accounts.quota_shapes import ActiveShown, ArchiveShown, DailyShown, QuotaShown
from web.front import front
from web.openapi.operations import Operation, operation
from web.views import answer

blueprint = Blueprint("quotas", __name__)


@blueprint.get("/user/quota")
@operation(Operation(tag="quota", answers={200: QuotaShown}))
async def show() -> Response:
    """Return what the user may use and uses."""
    user = await caller(Scope.READ)
    return answer(quota_view(await front().services.quotas.of_user(user.user_id)))


def quota_view(books: Books) -> QuotaShown:
    """Return the books as they are shown."""
    return QuotaShown(
        daily_downloads=DailyShown(
            limit=books.daily_limit, used=books.daily_used, resets_at=books.resets_at
        ),
        archive_bytes=ArchiveShown(
            limit=books.archive_limit, used=books.archive_used, reserved=books.archive_reserved
        ),
        active_downloads=ActiveShown(limit=books.active_limit, used=books.active_used),
    )
