"""Repeats: a request with an Idempotency-Key is answered again as it was answered first.

The key, the answer and what the request made are written in one transaction, behind the user's
quota: whoever comes with the same key meanwhile waits and finds it. A refusal is not kept.
Source: draft-ietf-httpapi-idempotency-key-header.
"""

import hashlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from pydantic import BaseModel
from quart import Response, request

from storage.db import Row, Statements
from storage.kept_answers import KeptAnswer
from storage.quotas import lock
from web.front import front
from web.problems import InvalidError

HEADER = "Idempotency-Key"
MAX_KEY = 255


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """What a request made, and its answer.

    Attributes:
        rows: New downloads, in their order; none if there was nothing to keep or to tell.
        location: Of what was made, or None.
    """

    rows: list[Row]
    shown: BaseModel
    status: int
    location: str | None = None


async def once(
    user_id: int, asked: BaseModel, make: Callable[[Statements], Awaitable[Made]]
) -> tuple[Response, list[Row]]:
    """Return the answer to a request, and the rows that this very one has made.

    Args:
        make: Writes over the statements given, and nowhere else.

    Raises:
        ProblemError: 422, the key is none, or it came with another body before.
        QuotaError: As ``make`` does; nothing is kept.
    """
    key, services = _key(), front().services
    if key is None:
        async with services.db.transaction() as statements:
            made = await make(statements)
        return _response(_answer(made, "")), made.rows
    async with services.db.transaction() as statements:
        await lock(statements, user_id)
        kept = await _kept(statements, user_id, key, asked)
        if kept is not None:
            return _response(kept), []
        made = await make(statements)
        answer = _answer(made, _digest(asked))
        if made.rows:
            await services.kept_answers.keep(statements, user_id, key, answer)
    return _response(answer), made.rows


async def repeated(user_id: int, asked: BaseModel) -> Response | None:
    """Return what a request was answered before, or None if it was not, or may be just now.

    For what takes long before ``once``: it locks nothing and makes nothing.

    Raises:
        ProblemError: 422, the key is none, or it came with another body before.
    """
    key = _key()
    if key is None:
        return None
    kept = await _kept(front().services.db, user_id, key, asked)
    return None if kept is None else _response(kept)


async def _kept(
    statements: Statements, user_id: int, key: str, asked: BaseModel
) -> KeptAnswer | None:
    kept = await front().services.kept_answers.find(statements, user_id, key)
    if kept is not None and kept.digest != _digest(asked):
        raise InvalidError(422, f"This {HEADER} came with another body before.")
    return kept


def _digest(asked: BaseModel) -> str:
    """Return what two requests share if they ask for the same."""
    # Without what is as by default: a field that a later version adds makes no other body of it.
    text = asked.model_dump_json(exclude_defaults=True)
    return hashlib.sha256(f"{request.path}\n{text}".encode()).hexdigest()


def _key() -> str | None:
    """Return the key of the request, or None if it has none.

    Raises:
        ProblemError: 422, it is none.
    """
    keys = request.headers.getlist(HEADER)
    if not keys:
        return None
    key = keys[0]
    if len(keys) > 1 or not 1 <= len(key) <= MAX_KEY or not key.isprintable():
        detail = f"The {HEADER} is not one text of 1 to {MAX_KEY} printable characters."
        raise InvalidError(422, detail)
    return key


def _answer(made: Made, digest: str) -> KeptAnswer:
    return KeptAnswer(
        digest=digest,
        status=made.status,
        location=made.location,
        body=made.shown.model_dump_json(),
    )


def _response(kept: KeptAnswer) -> Response:
    headers = {} if kept.location is None else {"Location": kept.location}
    return Response(kept.body, kept.status, headers, content_type="application/json")
