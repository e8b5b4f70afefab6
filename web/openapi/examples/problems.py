"""Examples of problems, one for each status."""

from http import HTTPStatus

from domain.failures import FailureCode
from web.problems import Code
from web.shapes import FaultShown, ProblemShown


def _problem(
    status: int, detail: str, code: Code | FailureCode = Code.INVALID_REQUEST, *errors: FaultShown
) -> ProblemShown:
    return ProblemShown(
        type="about:blank",
        title=HTTPStatus(status).phrase,
        status=status,
        detail=detail,
        code=code.value,
        errors=list(errors),
    )


_ALL = (
    _problem(400, "The body is not JSON that can be read in one way only."),
    _problem(401, "A valid access token is needed.", Code.UNAUTHORIZED),
    _problem(403, "There is no such download of yours.", Code.FORBIDDEN),
    _problem(404, "There is no such account.", Code.NOT_FOUND),
    _problem(408, "The request did not arrive in time."),
    _problem(409, "There is no finished file of this download.", Code.CONFLICT),
    _problem(410, "The file is no longer kept.", Code.GONE),
    _problem(412, "The file is not the one that was asked for."),
    _problem(413, "The body is larger than 64 KiB."),
    _problem(414, "The address is too long."),
    _problem(415, "The body must be application/json in UTF-8."),
    _problem(416, "The file has no such bytes."),
    _problem(
        422,
        "The body is not what this address expects.",
        Code.INVALID_REQUEST,
        FaultShown(field="mode", message="Input should be 'quick_download' or 'archive'"),
    ),
    _problem(
        426, "This is a WebSocket: the request, or a proxy on its way, lacks the header Upgrade."
    ),
    _problem(429, "No more downloads today.", Code.QUOTA_EXCEEDED),
    _problem(431, "The headers are too large."),
    _problem(503, "The server cannot reach its records for now.", FailureCode.UNAVAILABLE),
)
PROBLEMS = {problem.status: problem for problem in _ALL}
