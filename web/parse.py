"""Parse: what is at an address, before anything is fetched from it."""

from http import HTTPStatus
from math import ceil

from quart import Blueprint, Response

from domain.failures import FailureCode, TimedOutError
from domain.findings import Failure
from domain.keys import Scope
from domain.requests import check_url
from storage.redis_door import RedisFault
from web.bodies import read
from web.callers import caller
from web.flights import NoRoomError, TooManyFlightsError
from web.front import front
from web.operations import Operation, operation
from web.parse_shapes import ParseAsked, ParsedShown
from web.problems import ProblemError
from web.views import answer

_OURS = (
    FailureCode.TIMED_OUT,
    FailureCode.PROXY_UNAVAILABLE,
    FailureCode.INTERRUPTED,
    FailureCode.INTERNAL,
)
"""What went wrong on our side, and not at the address."""

blueprint = Blueprint("parse", __name__)


@blueprint.post("/parse")
@operation(Operation(tag="downloads", body=ParseAsked, answers={200: ParsedShown}, problems=(429,)))
async def parse() -> Response:
    """Return what a site says of an address: title, formats, entries. Nothing is fetched."""
    user = await caller(Scope.SUBMIT)
    asked = await read(ParseAsked)
    front().services.address_policy.check_url(check_url(asked.url))
    try:
        told = await front().flights.outcome(asked.url, user.user_id, refresh=asked.refresh)
    except TimedOutError:
        raise _late() from None
    except TooManyFlightsError:
        raise _busy(HTTPStatus.TOO_MANY_REQUESTS, "Others of your addresses come first.") from None
    except NoRoomError:
        raise _busy(HTTPStatus.SERVICE_UNAVAILABLE, "Too many addresses come first.") from None
    except RedisFault:
        detail = "The server cannot look at addresses for now."
        raise ProblemError(503, FailureCode.UNAVAILABLE, detail) from None
    if isinstance(told, Failure):
        raise _problem(told)
    return answer(ParsedShown.model_validate(told, from_attributes=True))


def _late() -> ProblemError:
    return ProblemError(503, FailureCode.TIMED_OUT, "There was no answer in time; try again.")


def _busy(status: HTTPStatus, detail: str) -> ProblemError:
    return ProblemError(status, FailureCode.RATE_LIMITED, detail)


def _problem(failure: Failure) -> ProblemError:
    """Return 503 if another try may bring more, 422 if it is the site that says no."""
    if failure.code is FailureCode.TIMED_OUT:
        return _late()
    status = 503 if failure.code in _OURS else 422
    wait = failure.retry_after
    headers = {} if wait is None else {"Retry-After": str(ceil(wait.total_seconds()))}
    return ProblemError(status, failure.code, failure.message, headers=headers)
