"""Callers: who sends this request or opens this socket."""

from dataclasses import dataclass

from quart import request

from domain.download import User
from domain.keys import Scope
from storage import audit
from storage.api_keys import PREFIX, Opened
from storage.socket_tickets import Proof
from web.accounts.tokens import LEEWAY_S
from web.front import front
from web.problems import Code, ProblemError, unauthorized
from web.transport.exchanges import exchange


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """An account, and what its token or key opens.

    Attributes:
        scopes: Of a personal API key; None for an access token, which opens everything.
        proof: By which to ask again whether the token or key still holds.
    """

    user: User
    scopes: frozenset[Scope] | None
    proof: Proof

    def may(self, scope: Scope | None) -> bool:
        """Return whether this caller may do what needs a scope; None is for tokens only."""
        return self.scopes is None or scope in self.scopes


async def caller(scope: Scope | None = None, *, key_id: int | None = None) -> User:
    """Return the account that this request's token or key belongs to.

    Args:
        scope: What a key must open; without one no key does.
        key_id: The key with this id does all the same.

    Raises:
        ProblemError: 401, the same for every fault; 403 a key that does not open this.
        DatabaseError: The account cannot be looked up.
    """
    return (await proven_caller(scope, key_id=key_id)).user


async def proven_caller(scope: Scope | None, *, key_id: int | None = None) -> Caller:
    """Return who sends this request; as ``caller``, which knows the account alone."""
    known = await known_caller(_bearer(request.headers.getlist("Authorization")))
    if known is None:
        raise unauthorized()
    is_the_key = key_id is not None and known.proof.key_id == key_id
    if not is_the_key and not known.may(scope):
        raise ProblemError(403, Code.FORBIDDEN, "This key does not open that.")
    return known


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
    """Return whose token or key this is, or None if it is none of ours or has ended.

    Raises:
        DatabaseError: The account cannot be looked up.
    """
    by = _by_key if token.startswith(PREFIX) else _by_token
    return _noted(await by(token))


async def still_known(proof: Proof) -> Caller | None:
    """Return who showed this, or None if it has ended since.

    Raises:
        DatabaseError: The account cannot be looked up.
    """
    if proof.key_id is not None:
        return _noted(_opened(await front().services.api_keys.open_again(proof.key_id)))
    if front().now() >= proof.ends_at + LEEWAY_S:
        return None
    return _noted(await _of_version(proof))


def _noted(known: Caller | None) -> Caller | None:
    """Let log and audit trail know who it is."""
    if known is not None:
        exchange().user_id = known.user.user_id
        audit.recognise(known.user.user_id)
    return known


async def _by_token(token: str) -> Caller | None:
    claims = front().tokens.read(token)
    if claims is None:
        return None
    proof = Proof(user_id=claims.user_id, version=claims.version, ends_at=claims.ends_at)
    return await _of_version(proof)


async def _of_version(proof: Proof) -> Caller | None:
    user = await front().services.users.by_id(proof.user_id)
    if user is None or user.token_version != proof.version:
        return None
    return Caller(user=user, scopes=None, proof=proof)


async def _by_key(key: str) -> Caller | None:
    return _opened(await front().services.api_keys.open(key))


def _opened(opened: Opened | None) -> Caller | None:
    if opened is None:
        return None
    if opened.is_stale:
        front().errands.run(front().services.api_keys.note_use(opened.key_id))
    proof = Proof(user_id=opened.user.user_id, key_id=opened.key_id)
    return Caller(user=opened.user, scopes=opened.scopes, proof=proof)


def _bearer(headers: list[str]) -> str:
    """Return the token of the one Authorization header, or an empty text."""
    if len(headers) != 1:
        return ""
    scheme, _, token = headers[0].partition(" ")
    return token if scheme.lower() == "bearer" else ""
