"""Administration of accounts: list, search, change."""

from quart import Blueprint, Response

from storage.roster import LastAdminError
from web.accounts.callers import admin
from web.accounts.quotas import quota_view
from web.admin.shapes import (
    AccountChangeAsked,
    AccountManaged,
    AccountShown,
    AccountsShown,
    UsersAsked,
)
from web.bodies import path_id, read, read_query
from web.front import front
from web.openapi.operations import Operation, operation
from web.problems import Code, ProblemError
from web.views import answer

blueprint = Blueprint("admin_users", __name__, url_prefix="/admin/users")


@blueprint.get("")
@operation(
    Operation(tag="administration", query=UsersAsked, answers={200: AccountsShown}, problems=(403,))
)
async def page() -> Response:
    """Return a page of the accounts, newest first."""
    user = await admin()
    asked = read_query(UsersAsked)
    scope = ("users", user.user_id, asked.q)
    cursors = front().cursors
    rows = await front().services.roster.page(
        email=asked.q, before=cursors.read(scope, asked.cursor), limit=asked.limit + 1
    )
    shown = [AccountShown(**row) for row in rows[: asked.limit]]
    following = shown[-1].user_id if len(rows) > asked.limit else None
    return answer(AccountsShown(items=shown, next_cursor=cursors.give(scope, following)))


@blueprint.patch("/<user_id>")
@operation(
    Operation(
        tag="administration",
        body=AccountChangeAsked,
        answers={200: AccountManaged},
        problems=(403, 404, 409),
    )
)
async def change(user_id: str) -> Response:
    """Change an account's role, disable or enable it, which end its tokens, or its quota."""
    await admin()
    asked = await read(AccountChangeAsked)
    number = path_id(user_id, "user_id")
    try:
        row = await front().services.roster.change(number, role=asked.role, disabled=asked.disabled)
    except LastAdminError:
        detail = "Nobody would be left to administer this server."
        raise ProblemError(409, Code.CONFLICT, detail) from None
    if row is None:
        raise ProblemError(404, Code.NOT_FOUND, "There is no such account.")
    quotas = front().services.quotas
    if asked.quota is not None:
        await quotas.set(number, asked.quota.limits)
    books = quota_view(await quotas.of_user(number))
    return answer(AccountManaged.model_validate(dict(row) | {"quota": books}))
