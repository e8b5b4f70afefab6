"""Keys: what an account's scripts show instead of a token."""

from quart import Blueprint, Response

from storage.api_keys import MAX_KEYS
from web.accounts.callers import caller
from web.accounts.shapes import KeyAsked, KeyGiven, KeyShown, KeysShown
from web.bodies import path_id, read
from web.front import front
from web.openapi.operations import Operation, operation
from web.problems import Code, ProblemError
from web.views import answer

blueprint = Blueprint("keys", __name__, url_prefix="/auth/keys")


@blueprint.post("")
@operation(Operation(tag="accounts", body=KeyAsked, answers={201: KeyGiven}, problems=(409, 429)))
async def add() -> Response:
    """Make a personal API key; it is shown in this answer and never again."""
    user = await caller()
    front().pace.change(user.user_id)
    asked = await read(KeyAsked)
    added = await front().services.api_keys.add(
        user.user_id, asked.name, asked.scopes, expires_in_d=asked.expires_in_d
    )
    if added is None:
        raise ProblemError(409, Code.CONFLICT, f"An account has {MAX_KEYS} keys at most.")
    key, row = added
    return answer(KeyGiven(key=key, **row), 201)


@blueprint.get("")
@operation(Operation(tag="accounts", answers={200: KeysShown}))
async def show() -> Response:
    """Return the account's keys, by what they begin with, the newest first."""
    user = await caller()
    rows = await front().services.api_keys.of_user(user.user_id)
    return answer(KeysShown(items=[KeyShown(**row) for row in rows]))


@blueprint.delete("/<key_id>")
@operation(Operation(tag="accounts", answers={204: None}, problems=(429,)))
async def remove(key_id: str) -> Response:
    """End a key at once; a key may end itself."""
    number = path_id(key_id, "key_id")
    user = await caller(key_id=number)
    front().pace.change(user.user_id)
    if not await front().services.api_keys.remove(number, user.user_id):
        raise ProblemError(403, Code.FORBIDDEN, "There is no such key of yours.")
    return Response(None, 204)
