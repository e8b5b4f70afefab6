"""Accounts: register, log in, renew, log out, change the password."""

from datetime import timedelta

from quart import Blueprint, Response, request

from domain.download import User
from storage import audit
from storage.audit import Action
from web.accounts.callers import caller
from web.accounts.common_passwords import TOO_COMMON, is_common
from web.accounts.logins import Refusal
from web.accounts.shapes import PasswordAsked
from web.bodies import read
from web.front import front
from web.openapi.operations import Operation, operation
from web.problems import Code, InvalidError, ProblemError, unauthorized
from web.shapes import LoginAsked, RefreshAsked, RegistrationAsked, SessionShown, UserShown
from web.views import answer, user_view

_WRONG = "Incorrect e-mail or password."

blueprint = Blueprint("auth", __name__, url_prefix="/auth")


@blueprint.post("/register")
@operation(
    Operation(
        tag="accounts",
        body=RegistrationAsked,
        answers={201: UserShown},
        problems=(403, 409, 429),
        is_public=True,
    )
)
async def register() -> Response:
    """Create an account."""
    wanted = await read(RegistrationAsked)
    if front().settings.auth.registration == "closed":
        raise ProblemError(403, Code.FORBIDDEN, "This server takes no new accounts.")
    origin = await front().logins.register(request.remote_addr)
    user = await front().services.users.add(
        wanted.email,
        password_hash=await front().passwords.hash(wanted.password, origin),
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
        problems=(401, 429),
        is_public=True,
    )
)
async def login() -> Response:
    """Exchange an e-mail address and a password for tokens."""
    user = await logged_in(await read(LoginAsked))
    return _session(user, await front().services.users.give_refresh(user, _refresh_ttl()))


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
    exchanged = await users.exchange_refresh(given.refresh_token, _refresh_ttl())
    if exchanged is None:
        raise unauthorized()
    return _session(*exchanged)


@blueprint.post("/logout")
@operation(Operation(tag="accounts", answers={204: None}))
async def logout() -> Response:
    """End every token of the account, on all its devices."""
    user = await caller()
    await front().services.users.end_tokens(user.user_id)
    return Response(None, 204)


@blueprint.put("/password")
@operation(
    Operation(tag="accounts", body=PasswordAsked, answers={204: None}, problems=(403, 429)),
)
async def change_password() -> Response:
    """Change the password and end every token of the account, this one too."""
    user = await caller()
    given = await read(PasswordAsked)
    if is_common(given.new_password, user.email, user.nickname):
        detail = "The body is not what this address expects."
        raise InvalidError(422, detail, ("new_password", TOO_COMMON))
    if await _verify(user.email, given.current_password) is None:
        raise ProblemError(403, Code.FORBIDDEN, "This is not the account's password.")
    password_hash = await front().passwords.hash(given.new_password)
    await front().services.users.set_password(user.email, password_hash)
    return Response(None, 204)


@blueprint.get("/me")
@operation(Operation(tag="accounts", answers={200: UserShown}))
async def me() -> Response:
    """Return the account that the token belongs to."""
    return answer(user_view(await caller()))


async def logged_in(given: LoginAsked) -> User:
    """Return the account that somebody has the password of; the audit trail hears of it.

    Raises:
        ProblemError: 401 no account or not its password; else as ``_verify``.
    """
    user = await _verify(given.email, given.password)
    if user is None:
        raise unauthorized(_WRONG)
    await audit.note(front().services.db, Action.LOGIN, user_id=user.user_id)
    return user


async def _verify(email: str, password: str) -> User | None:
    """Return the account of an address if this is its password; else None, which is counted.

    Raises:
        ProblemError: 429 too many tries, 503 too many at once; then it was not looked at.
    """
    async with front().logins.knock(email, request.remote_addr) as (knock, origin):
        account = await front().services.users.by_email(email)
        password_hash = account.password_hash if account else None
        # Also for an unknown account, so that the time does not tell which addresses are known.
        is_right = await front().passwords.matches(password, password_hash, origin)
        if is_right and account is not None:
            await front().logins.welcome(knock)
            return account.user
    front().logins.refused[Refusal.WRONG] += 1
    await audit.count(front().services.db, Action.LOGIN_FAILED)
    return None


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
