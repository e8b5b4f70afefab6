"""Accounts: register, log in, renew, log out."""

from datetime import timedelta

from quart import Blueprint, Response

from domain.download import User
from storage import audit
from storage.audit import Action
from web.bodies import read
from web.callers import caller
from web.front import front
from web.operations import Operation, operation
from web.problems import Code, ProblemError, unauthorized
from web.shapes import LoginAsked, RefreshAsked, RegistrationAsked, SessionShown, UserShown
from web.views import answer, user_view

blueprint = Blueprint("auth", __name__, url_prefix="/auth")


@blueprint.post("/register")
@operation(
    Operation(
        tag="accounts",
        body=RegistrationAsked,
        answers={201: UserShown},
        problems=(403, 409),
        is_public=True,
    )
)
async def register() -> Response:
    """Create an account."""
    wanted = await read(RegistrationAsked)
    if front().settings.auth.registration == "closed":
        raise ProblemError(403, Code.FORBIDDEN, "This server takes no new accounts.")
    user = await front().services.users.add(
        wanted.email,
        password_hash=await front().passwords.hash(wanted.password),
        nickname=wanted.nickname,
    )
    if user is None:
        raise ProblemError(409, Code.CONFLICT, "There is an account with this e-mail address.")
    return answer(user_view(user), 201)


@blueprint.post("/login")
@operation(
    Operation(
        tag="accounts",
        body=LoginAsked,
        answers={200: SessionShown},
        problems=(401,),
        is_public=True,
    )
)
async def login() -> Response:
    """Exchange an e-mail address and a password for tokens."""
    given = await read(LoginAsked)
    account = await front().services.users.by_email(given.email)
    password_hash = account.password_hash if account else None
    # Also for an unknown account, so that the time does not tell which addresses are known.
    if not await front().passwords.matches(given.password, password_hash) or account is None:
        await audit.count(front().services.db, Action.LOGIN_FAILED)
        raise unauthorized()
    await audit.note(front().services.db, Action.LOGIN, user_id=account.user.user_id)
    refresh_token = await front().services.users.give_refresh(account.user.user_id, _refresh_ttl())
    return _session(account.user, refresh_token)


@blueprint.post("/refresh")
@operation(
    Operation(
        tag="accounts",
        body=RefreshAsked,
        answers={200: SessionShown},
        problems=(401,),
        is_public=True,
    )
)
async def refresh() -> Response:
    """Exchange a refresh token for new tokens; each one works once."""
    given = await read(RefreshAsked)
    users = front().services.users
    spent = await users.use_refresh(given.refresh_token)
    user = await users.by_id(spent[0]) if spent else None
    if spent is None or user is None:
        raise unauthorized()
    return _session(user, await users.give_refresh(user.user_id, _refresh_ttl(), spent[1]))


@blueprint.post("/logout")
@operation(Operation(tag="accounts", answers={204: None}))
async def logout() -> Response:
    """End every token of the account, on all its devices."""
    user = await caller()
    await front().services.users.end_tokens(user.user_id)
    return Response(None, 204)


@blueprint.get("/me")
@operation(Operation(tag="accounts", answers={200: UserShown}))
async def me() -> Response:
    """Return the account that the token belongs to."""
    return answer(user_view(await caller()))


def _refresh_ttl() -> timedelta:
    return timedelta(seconds=front().settings.auth.refresh_ttl_s)


def _session(user: User, refresh_token: str) -> Response:
    tokens = front().tokens
    return answer(
        SessionShown(
            access_token=tokens.give(user),
            refresh_token=refresh_token,
            expires_in=int(tokens.ttl.total_seconds()),
            user=user_view(user),
        )
    )
