"""The fields of what is asked: each kind of value, judged in one place."""

import re
from typing import Annotated, Any, TypeVar

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from domain.requests import LANGUAGE, MAX_FORMAT_ID, MAX_URL_LENGTH, is_format_id
from gateways.ytdlp.texts import clean_text
from storage.users import canonical_email

MAX_ID = 2**63 - 1

_ID = re.compile(r"[1-9][0-9]{0,18}", re.ASCII)


def parse_id(text: object) -> int:
    """Return a record's id.

    Raises:
        ValueError: It is not a plain whole number that a bigint can hold.
    """
    if not isinstance(text, str) or _ID.fullmatch(text) is None or int(text) > MAX_ID:
        message = "must be a whole number from 1 to 9223372036854775807"
        raise ValueError(message)
    return int(text)


def _check_email(email: str) -> str:
    """Return the address unchanged if its canonical form can be one and fits the column.

    ASCII only: an address with a dotless i would be a second one that looks like the first.
    """
    canonical = canonical_email(email)
    name, _, host = canonical.partition("@")
    plain = all("!" <= c <= "~" for c in canonical)
    if not name or not host or "@" in host or not plain or len(canonical) > MAX_EMAIL:
        message = "must be an e-mail address"
        raise ValueError(message)
    return email


def _refuse_null(value: object) -> object:
    if value is None:
        message = "must be left out rather than null"
        raise ValueError(message)
    return value


def _say_no_null(schema: dict[str, Any]) -> None:
    schema.update(next(kind for kind in schema.pop("anyOf") if kind != {"type": "null"}))


def _check_format_id(text: str) -> str:
    if not is_format_id(text):
        message = "must be a format id, or several joined by +"
        raise ValueError(message)
    return text


MAX_EMAIL = 254
"""Source: RFC 3696, erratum 1690."""

# Longer ones are for check_url, whose code says what is wrong.
Address = Annotated[str, Field(json_schema_extra={"format": "uri", "maxLength": MAX_URL_LENGTH})]
Kind = TypeVar("Kind")
Given = Annotated[Kind | None, BeforeValidator(_refuse_null), Field(json_schema_extra=_say_no_null)]
"""What is given or left out; null stands for the second and is never sent."""

# Neither controls, which a terminal would obey, nor what turns a line around or breaks it.
Label = Annotated[
    str,
    Field(
        min_length=1,
        max_length=64,
        pattern=r"^[^\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]*$",
    ),
]
# What a list calls a video, as clean as a site's own title is made.
ListTitle = Annotated[str, Field(max_length=1_000), AfterValidator(clean_text)]
FormatId = Annotated[
    str,
    Field(min_length=1, max_length=MAX_FORMAT_ID, pattern=r"^[^\x00-\x20\x7f-\xa0,/\[\]()]+$"),
    AfterValidator(_check_format_id),
]
Language = Annotated[str, Field(pattern=LANGUAGE)]
Email = Annotated[
    str,
    Field(max_length=MAX_EMAIL, json_schema_extra={"format": "email"}),
    AfterValidator(_check_email),
]
Password = Annotated[
    str, Field(min_length=8, max_length=128, json_schema_extra={"format": "password"})
]
Id = Annotated[int, BeforeValidator(parse_id), Field(ge=1, le=MAX_ID)]
PageSize = Annotated[
    int,
    BeforeValidator(lambda text: int(text) if re.fullmatch("[1-9][0-9]{0,2}", text) else 0),
    Field(ge=1, le=100),
]


class Asked(BaseModel):
    """Something that a client sends; a field that is not known is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True)
