"""What the generator must know of this API: addresses that exist, keys that are fresh."""

import hashlib
import json
import os
from typing import Any, TypeAlias, cast

import schemathesis
from hypothesis import strategies as st

SITE = os.environ["SITE_URL"]  # noqa: TID251 - the only way into this process
HEADER = "Idempotency-Key"
MAX_KEY = 255

Json: TypeAlias = "dict[str, Json] | list[Json] | str | float | None"

PATHS = ("/clips/{}.mp4", "/watch/{}", "/status/404?{}")
ADDRESSES = [st.integers(0, 99).map(f"{SITE}{path}".format) for path in PATHS]
schemathesis.openapi.format("uri", st.one_of(*ADDRESSES, st.just("https://nowhere.invalid/watch")))
schemathesis.openapi.format("email", st.integers(0, 999).map("user{}@example.com".format))

schemathesis.openapi.format("password", st.integers(0, 999).map("a boat of {} willows".format))


@schemathesis.hook  # pyright: ignore[reportUnknownMemberType] - its types leave this open
def before_call(
    _context: schemathesis.HookContext, case: "schemathesis.Case[Any]", _options: dict[str, object]
) -> None:
    """Change what the document has no words for."""
    headers, body = cast("dict[str, str]", case.headers), cast("object", case.body)  # pyright: ignore[reportUnknownMemberType]
    if 0 < len(headers.get(HEADER, "")) <= MAX_KEY:
        # With another body the same key is refused, and rightly.
        text = json.dumps(body, sort_keys=True, default=str)
        headers[HEADER] = hashlib.sha256(text.encode()).hexdigest()
    if isinstance(body, dict | list):
        case.body = _with_plain_integers(cast("Json", body))


def _with_plain_integers(value: Json) -> Json:
    """Write 5.0 as 5: to JSON Schema both are integers, to this API only the second."""
    match value:
        case float() if value.is_integer():
            return int(value)
        case dict():
            return {name: _with_plain_integers(member) for name, member in value.items()}
        case list():
            return [_with_plain_integers(member) for member in value]
        case _:
            return value
