"""Callers: who sends this request or opens this socket."""

from dataclasses import dataclass

from quart import request

from domain.download import User
from storage import audit
from web.exchanges import exchange
from web.front import front
from web.problems import Code, ProblemError, unauthorized
from web.tokens import Claims


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """An account and the token that it showed."""

    user: User
    claims: Claims


async def caller() -> User:
    """Return the account that this request's token belongs to.

    Raises:
        ProblemError: 401, the same for every fault.
        DatabaseError: The account cannot be looked up.
    """
    known = await known_caller(_bearer(request.headers.getlist("Authorization")))
    if known is None:
        raise unauthorized()
    return known.user


async def admin() -> User:
    """Return the account that this request's token belongs to, if it is an administrator's.

    Raises:
        ProblemError: 401, or 403 for every other account.
        DatabaseError: The account cannot be looked up.
    """
    user = await caller()
    if user.role != "admin":
        raise ProblemError(403, Code.FORBIDDEN, "Only an administrator may do this.")
    return user


async def known_caller(token: str) -> Caller | None:
    """Return whose token this is, or None if it is none of ours, ended or too old.

    Raises:
        DatabaseError: The account cannot be looked up.
    """
    claims = front().tokens.read(token)
    if claims is None:
        return None
    user = await front().services.users.by_id(claims.user_id)
    if user is None or user.token_version != claims.version:
        return None
    exchange().user_id = user.user_id
    audit.recognise(user.user_id)
    return Caller(user=user, claims=claims)


def _bearer(headers: list[str]) -> str:
    """Return the token of the one Authorization header, or an empty text."""
    if len(headers) != 1:
        return ""
    scheme, _, token = headers[0].partition(" ")
    return token if scheme.lower() == "bearer" else ""
