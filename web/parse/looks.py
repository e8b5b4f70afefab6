"""Looks: what is at an address, or the problem that says why that is not known."""

from http import HTTPStatus
from math import ceil

from domain.failures import FailureCode, TimedOutError
from domain.findings import Failure, Findings
from domain.requests import check_url
from storage.redis_door import RedisFault
from web.front import front
from web.parse.flights import NoRoomError, TooManyFlightsError
from web.problems import ProblemError

_OURS = (
    FailureCode.TIMED_OUT,
    FailureCode.PROXY_UNAVAILABLE,
    FailureCode.INTERRUPTED,
    FailureCode.INTERNAL,
)
"""What went wrong on our side, and not at the address."""


async def found_at(url: str, user_id: int, *, refresh: bool = False) -> Findings:
    """Return what a site says of an address, kept or looked for now.

    Args:
        refresh: Look again, whatever is kept.

    Raises:
        DownloadError: No download may start from this address.
        ProblemError: 422 the site says no, 429 or 503 try again later.
    """
    front().services.address_policy.check_url(check_url(url))
    try:
        told = await front().flights.outcome(url, user_id, refresh=refresh)
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
    return told


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
