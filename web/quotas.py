"""Quotas: what a user may use, seen by the user and changed by an administrator."""

from quart import Blueprint, Response

from storage.quotas import Books
from web.bodies import path_id, read
from web.callers import admin, caller
from web.front import front
from web.operations import Operation, operation
from web.problems import Code, ProblemError
from web.quota_shapes import (
    ActiveShown,
    ArchiveShown,
    DailyShown,
    QuotaShown,
    UserChangeAsked,
    UserManaged,
)
from web.views import answer, user_view

blueprint = Blueprint("quotas", __name__)


@blueprint.get("/user/quota")
@operation(Operation(tag="quota", answers={200: QuotaShown}))
async def show() -> Response:
    """Return what the user may use and uses."""
    user = await caller()
    return answer(_quota_view(await front().services.quotas.of_user(user.user_id)))


@blueprint.patch("/admin/users/<user_id>")
@operation(
    Operation(
        tag="administration",
        body=UserChangeAsked,
        answers={200: UserManaged},
        problems=(403, 404),
    )
)
async def change(user_id: str) -> Response:
    """Change what is given of an account; limits of its own take effect with its next download."""
    await admin()
    services, number = front().services, path_id(user_id)
    asked = await read(UserChangeAsked)
    if asked.quota is not None:
        await services.quotas.set(number, asked.quota.limits)
    changed = await services.users.by_id(number)
    if changed is None:
        raise ProblemError(404, Code.NOT_FOUND, "There is no such account, or it is disabled.")
    books = await services.quotas.of_user(number)
    return answer(UserManaged(**dict(user_view(changed)), quota=_quota_view(books)))


def _quota_view(books: Books) -> QuotaShown:
    return QuotaShown(
        daily_downloads=DailyShown(
            limit=books.daily_limit, used=books.daily_used, resets_at=books.resets_at
        ),
        archive_bytes=ArchiveShown(
            limit=books.archive_limit, used=books.archive_used, reserved=books.archive_reserved
        ),
        active_downloads=ActiveShown(limit=books.active_limit, used=books.active_used),
    )
