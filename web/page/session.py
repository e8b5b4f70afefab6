"""The session of a browser: a cookie that no script can read, and what it is exchanged for."""

from datetime import timedelta

from pydantic import BaseModel
from quart import Blueprint, Response, request

from domain.download import User
from storage import sessions
from web import origins
from web.accounts.auth import logged_in
from web.bodies import read
from web.front import front
from web.openapi.operations import Operation, operation
from web.problems import Code, ProblemError
from web.shapes import LoginAsked, UserShown
from web.views import answer, user_view

COOKIE = "vasset_session"
PATH = "/session"
"""The cookie goes to these routes alone: nothing of the API is ever done by a cookie."""

blueprint = Blueprint("session", __name__, url_prefix=PATH)


class SessionGiven(BaseModel):
    """What the page works with: an access token, without the secret that renews it."""

    access_token: str
    expires_in: int
    user: UserShown


@blueprint.post("")
@operation(
    Operation(
        tag="page",
        body=LoginAsked,
        answers={200: SessionGiven},
        problems=(401, 403, 429),
        is_public=True,
    )
)
async def begin() -> Response:
    """Sign a browser in: an access token, and a cookie that renews it."""
    _refuse_strangers()
    user = await logged_in(await read(LoginAsked))
    # What this browser had before would last on with nobody to end it.
    await sessions.end(front().services.db, request.cookies.get(COOKIE, ""))
    return _given(user, await sessions.begin(front().services.db, user, _ttl()))


@blueprint.post("/renew")
@operation(
    Operation(tag="page", answers={200: SessionGiven, 204: None}, problems=(403,), is_public=True)
)
async def renew() -> Response:
    """Give the browser's session an access token; 204 if nobody is signed in (any more)."""
    _refuse_strangers()
    secret = request.cookies.get(COOKIE, "")
    user = await sessions.renew(front().services.db, secret, _ttl()) if secret else None
    if user is None:
        return _forgetting(Response(None, 204)) if secret else Response(None, 204)
    return _given(user, secret)


@blueprint.delete("")
@operation(Operation(tag="page", answers={204: None}, problems=(403,), is_public=True))
async def end() -> Response:
    """Sign this browser out; the account's other sessions go on."""
    _refuse_strangers()
    await sessions.end(front().services.db, request.cookies.get(COOKIE, ""))
    return _forgetting(Response(None, 204))


def _refuse_strangers() -> None:
    """Let only our own page through, whatever may call the API.

    Beside SameSite, which takes every port of a host for one site. Every browser sends Origin
    with these methods.

    Raises:
        ProblemError: 403.
    """
    if "Origin" not in request.headers:
        raise ProblemError(403, Code.FORBIDDEN, "Only this server's own page may do this.")
    if not origins.is_own_page(request.headers, front().settings.server):
        origins.note_refused(request.headers)
        raise ProblemError(403, Code.FORBIDDEN, origins.ADVICE)


def _ttl() -> timedelta:
    return timedelta(seconds=front().settings.auth.refresh_ttl_s)


def _given(user: User, secret: str) -> Response:
    tokens = front().tokens
    response = answer(
        SessionGiven(
            access_token=tokens.give(user),
            expires_in=int(tokens.ttl.total_seconds()),
            user=user_view(user),
        )
    )
    _set(response, secret, int(_ttl().total_seconds()))
    return response


def _forgetting(response: Response) -> Response:
    _set(response, "", 0)
    return response


def _set(response: Response, secret: str, max_age_s: int) -> None:
    response.set_cookie(
        COOKIE,
        secret,
        max_age=max_age_s,
        path=front().settings.server.base_path + PATH,
        # The browser's own word for how it reached us, whatever proxies stand between.
        secure=request.headers.get("Origin", "").startswith("https://"),
        httponly=True,
        samesite="Strict",
    )
