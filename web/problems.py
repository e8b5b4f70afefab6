"""Problems: every error of the API as application/problem+json (RFC 9457)."""

import json
import math
import traceback
from collections.abc import Mapping, Sequence
from enum import StrEnum
from http import HTTPStatus

from quart import Quart, Response
from werkzeug.exceptions import HTTPException

from domain.failures import DownloadError, FailureCode, IsPlaylistError
from runtime import logs
from storage.db import DatabaseError
from storage.quotas import QuotaError

MEDIA_TYPE = "application/problem+json"
RETRY_AFTER_S = 5

_log = logs.get("web.problems")


class Code(StrEnum):
    """The stable codes beside those of downloads. Source: the contract, section 3."""

    UNAUTHORIZED = "unauthorized"
    FORBIDDEN = "forbidden"
    NOT_FOUND = "not_found"
    CONFLICT = "conflict"
    GONE = "gone"
    QUOTA_EXCEEDED = "quota_exceeded"
    TOO_MANY_TRANSFERS = "too_many_transfers"
    INVALID_REQUEST = "invalid_request"


class ProblemError(Exception):
    """A request is answered with a problem.

    Attributes:
        detail: For people; no path, SQL, address of ours or secret may stand in it.
        errors: For a bad body or query: each field and what is wrong with it.
        more: Members that only this problem has.
    """

    def __init__(
        self,
        status: int,
        code: Code | FailureCode,
        detail: str,
        *,
        errors: Sequence[tuple[str, str]] = (),
        headers: Mapping[str, str] | None = None,
        more: Mapping[str, object] | None = None,
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.code = code
        self.detail = detail
        self.errors = errors
        self.more = more or {}
        again = status in (HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE)
        self.headers = ({"Retry-After": str(RETRY_AFTER_S)} if again else {}) | dict(headers or {})

    def body(self) -> bytes:
        """Return the problem as JSON."""
        members: dict[str, object] = {
            "type": "about:blank",
            "title": HTTPStatus(self.status).phrase,
            "status": self.status,
            "detail": self.detail,
            "code": self.code.value,
            **self.more,
        }
        if self.errors:
            members["errors"] = [{"field": f, "message": m} for f, m in self.errors]
        return json.dumps(members).encode()

    def response(self) -> Response:
        """Return the problem as an answer."""
        return Response(self.body(), self.status, self.headers, content_type=MEDIA_TYPE)


def unauthorized(detail: str = "A valid access token is needed.") -> ProblemError:
    """Return the one problem for everything wrong with a token, or with a login."""
    return ProblemError(
        HTTPStatus.UNAUTHORIZED,
        Code.UNAUTHORIZED,
        detail,
        headers={"WWW-Authenticate": "Bearer"},
    )


def forbidden() -> ProblemError:
    """Return the one problem for what is another's and for what does not exist."""
    return ProblemError(HTTPStatus.FORBIDDEN, Code.FORBIDDEN, "There is no such download of yours.")


class TooManyError(ProblemError):
    """Too many requests of one kind; what was asked was not looked at."""

    def __init__(self, wait_s: float, detail: str) -> None:
        again = str(max(1, math.ceil(wait_s)))
        super().__init__(
            HTTPStatus.TOO_MANY_REQUESTS,
            FailureCode.RATE_LIMITED,
            detail,
            headers={"Retry-After": again},
        )


class InvalidError(ProblemError):
    """The request is badly formed, or well-formed but wrong."""

    def __init__(self, status: int, detail: str, *errors: tuple[str, str]) -> None:
        super().__init__(status, Code.INVALID_REQUEST, detail, errors=errors)


def install(app: Quart) -> None:
    """Let every error that leaves a route become a problem."""
    app.register_error_handler(ProblemError, _known)
    app.register_error_handler(HTTPException, _of_http)
    app.register_error_handler(DownloadError, _of_download)
    app.register_error_handler(QuotaError, _of_quota)
    app.register_error_handler(DatabaseError, _of_database)
    app.register_error_handler(Exception, _unforeseen)


async def _known(error: ProblemError) -> Response:
    return error.response()


async def _of_http(error: HTTPException) -> Response:
    status = error.code or HTTPStatus.INTERNAL_SERVER_ERROR
    headers = {name: text for name, text in error.get_headers() if name == "Allow"}
    code = Code.NOT_FOUND if status == HTTPStatus.NOT_FOUND else Code.INVALID_REQUEST
    detail = _DETAILS.get(status, HTTPStatus(status).description or HTTPStatus(status).phrase)
    return ProblemError(status, code, detail, headers=headers).response()


_DETAILS = {
    404: "There is nothing at this address.",
    405: "This address does not know this method.",
    408: "The request did not arrive in time.",
    413: "The body is larger than 64 KiB.",
}


async def _of_download(error: DownloadError) -> Response:
    more = (
        {"entries": error.entries, "truncated": error.is_truncated}
        if isinstance(error, IsPlaylistError)
        else {}
    )
    status = HTTPStatus.UNPROCESSABLE_ENTITY
    return ProblemError(status, error.code, str(error), more=more).response()


async def _of_quota(error: QuotaError) -> Response:
    return ProblemError(
        HTTPStatus.TOO_MANY_REQUESTS,
        Code.QUOTA_EXCEEDED,
        str(error),
        headers={"Retry-After": str(math.ceil(error.retry_after.total_seconds()))},
        more={"quota": error.quota.value, "limit": error.limit},
    ).response()


async def _of_database(error: DatabaseError) -> Response:
    _log.warning("database_away", error=str(error), advice="check the database")
    return ProblemError(
        HTTPStatus.SERVICE_UNAVAILABLE,
        FailureCode.UNAVAILABLE,
        "The server cannot reach its records for now.",
    ).response()


async def _unforeseen(error: Exception) -> Response:
    # As text: the renderers of the log would show the local variables, and passwords with them.
    _log.error("request_failed", traceback="".join(traceback.format_exception(error)))
    return ProblemError(
        HTTPStatus.INTERNAL_SERVER_ERROR, FailureCode.INTERNAL, "Something went wrong on our side."
    ).response()
