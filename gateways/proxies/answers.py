"""A provider's answer, made into a lease."""

import json
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, cast

import jmespath

from domain.download import ProxyLease
from gateways.proxies.provider import parse_address

MAX_LIFETIME_S = 7 * 24 * 3600
_KNOWN_KEYS = ("proxy", "url", "address")


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerForm:
    """Where in a JSON answer things stand, as JMESPath; plain text is an address by itself.

    Attributes:
        address: To the whole address; empty: under ``proxy``, ``url`` or ``address``, or a string.
        lifetime: To the seconds that the proxy works; empty: not told.
    """

    address: str = ""
    lifetime: str = ""


def parse_answer(answer: str, form: AnswerForm) -> ProxyLease:
    """Return the lease that an answer speaks of.

    Raises:
        ProxyUnavailableError: It speaks of none.
        JMESPathError: An expression does not fit it.
    """
    try:
        value: Any = json.loads(answer)
    except (ValueError, RecursionError):
        return parse_address(answer)
    address = _search(form.address, value) if form.address else _known(value)
    lifetime = _search(form.lifetime, value) if form.lifetime else None
    return parse_address(address if isinstance(address, str) else "", lifetime=_lifetime(lifetime))


def _search(expression: str, value: Any) -> object:  # noqa: ANN401 - any JSON
    return cast("object", jmespath.search(expression, value))  # pyright: ignore[reportUnknownMemberType]


def _known(value: Any) -> object:  # noqa: ANN401 - any JSON
    if isinstance(value, dict):
        table = cast("dict[str, Any]", value)
        return next((table[key] for key in _KNOWN_KEYS if key in table), None)
    return value


def _lifetime(value: object) -> timedelta | None:
    if isinstance(value, int | float) and 0 < value <= MAX_LIFETIME_S:
        return timedelta(seconds=value)
    return None
