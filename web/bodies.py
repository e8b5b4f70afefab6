"""Bodies and query strings: read, judged, and turned into a shape or a problem."""

from typing import TypeVar, cast
from urllib.parse import parse_qsl

from pydantic import BaseModel, ValidationError
from quart import request

from web import strict_json
from web.fields import parse_id
from web.problems import InvalidError

MAX_BODY_BYTES = 65_536
MAX_QUERY_FIELDS = 20
MAX_ERRORS = 20

ShapeT = TypeVar("ShapeT", bound=BaseModel)


async def read(shape: type[ShapeT]) -> ShapeT:
    """Return the JSON body of the request.

    Raises:
        ProblemError: 415 not application/json, 400 not JSON, 422 not of this shape.
        RequestEntityTooLarge: It is over 64 KiB.
    """
    if request.mimetype != "application/json" or not _is_utf8(request.mimetype_params):
        raise InvalidError(415, "The body must be application/json in UTF-8.")
    raw = cast("bytes", await request.get_data(cache=False))
    try:
        strict_json.parse(raw)
    except strict_json.NotJsonError:
        raise InvalidError(400, "The body is not JSON that can be read in one way only.") from None
    except strict_json.BadTextError:
        raise InvalidError(422, "A text holds a character that cannot be kept.") from None
    try:
        # Read a second time, because only from JSON does the strict mode take texts for enums.
        return shape.model_validate_json(raw, strict=True)
    except ValidationError as error:
        detail = "The body is not what this address expects."
        raise InvalidError(422, detail, *_explain(error)) from None


def read_query(shape: type[ShapeT]) -> ShapeT:
    """Return the query string of the request; the fields of the shape parse texts themselves.

    Raises:
        ProblemError: 400 bad UTF-8, 422 a parameter is unknown, repeated or wrong.
    """
    try:
        pairs = parse_qsl(
            request.query_string.decode("ascii"),
            keep_blank_values=True,
            errors="strict",
            max_num_fields=MAX_QUERY_FIELDS,
        )
    except UnicodeDecodeError:
        raise InvalidError(400, "The query string is not UTF-8.") from None
    except ValueError:
        raise InvalidError(422, "The query string holds too many parameters.") from None
    if len(dict(pairs)) != len(pairs):
        raise InvalidError(422, "A parameter stands twice in the query string.")
    try:
        return shape.model_validate(dict(pairs))
    except ValidationError as error:
        detail = "The query string is not what this address expects."
        raise InvalidError(422, detail, *_explain(error)) from None


def path_id(text: str, name: str = "history_id") -> int:
    """Return the id in an address.

    Raises:
        ProblemError: 422, it cannot be one.
    """
    try:
        return parse_id(text)
    except ValueError as error:
        raise InvalidError(422, "The address holds no valid id.", (name, str(error))) from None


def _is_utf8(parameters: dict[str, str]) -> bool:
    return parameters.get("charset", "utf-8").lower() in ("utf-8", "utf8")


def _explain(error: ValidationError) -> list[tuple[str, str]]:
    """Return each faulty field and what is wrong, never the value: it may be a password."""
    faults = error.errors(include_url=False, include_context=False, include_input=False)
    return [
        (".".join(str(part) for part in fault["loc"])[:100], fault["msg"])
        for fault in faults[:MAX_ERRORS]
    ]
