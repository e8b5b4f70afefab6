"""Webhooks: where they may lead, how what is told to them is signed, and when it is told again."""

import base64
import hmac
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from http import HTTPStatus
from urllib.parse import urlsplit

from domain.addresses import AddressPolicy, literal
from domain.failures import ForbiddenAddressError
from domain.requests import check_url

SECRET_PREFIX = "whsec_"  # noqa: S105 - how every secret begins
"""Source: Standard Webhooks, "Signature scheme"."""

RETRY_FOR = timedelta(days=1)
"""How long a delivery is tried again."""

WAITS = tuple(timedelta(seconds=each) for each in (5, 30, 120, 600, 1_800, 3_600, 7_200, 14_400))
"""After each try; the last one again and again."""

MAX_TRIES = 30
"""More have died with their workers than it takes to think that they killed them."""

RETRY_AFTER_CAP = timedelta(hours=4)
"""The longest wait that a receiver may ask of us."""

_JITTER = 0.25
_ASKING = (HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE)


class Fault(StrEnum):
    """Why an attempt at a webhook delivered nothing; ``INTERRUPTED``: its worker died."""

    DNS = "dns"
    FORBIDDEN_ADDRESS = "forbidden_address"
    UNREACHABLE = "unreachable"
    TLS = "tls"
    TIMEOUT = "timeout"
    PROTOCOL = "protocol"
    STATUS = "status"
    NO_SECRET = "no_secret"  # noqa: S105 - a word of the log
    ACCOUNT_DISABLED = "account_disabled"
    INTERRUPTED = "interrupted"
    INTERNAL = "internal"


_FINAL = (Fault.ACCOUNT_DISABLED, Fault.INTERRUPTED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What came of one attempt.

    Attributes:
        http_status: None if the receiver did not come to answer.
        fault: None if it took what it was told.
        retry_after: What the receiver asked us to wait, or None.
    """

    http_status: int | None = None
    fault: Fault | None = None
    retry_after: timedelta | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """What a webhook is told, in one attempt.

    Attributes:
        message_id: The same in every attempt, for the receiver to know a repetition by.
        timestamp: Of this attempt, in seconds since 1970.
        secrets: Each signs; after a rotation they are several.
    """

    message_id: str
    timestamp: int
    body: str
    secrets: Sequence[str] = field(repr=False)

    def headers(self) -> dict[str, str]:
        """Return the headers by which the receiver knows that it comes from us.

        Source: https://github.com/standard-webhooks/standard-webhooks, "Webhook headers".
        """
        signed = f"{self.message_id}.{self.timestamp}.{self.body}".encode()
        return {
            "webhook-id": self.message_id,
            "webhook-timestamp": str(self.timestamp),
            "webhook-signature": " ".join(_sign(secret, signed) for secret in self.secrets),
        }


def check(url: str, policy: AddressPolicy) -> str:
    """Return the address unchanged if it may be told of ends, as far as its spelling tells.

    Plain http is for networks that the administrator has opened; where a name leads is judged
    again at each attempt.

    Raises:
        InvalidUrlError: It is no http(s) address.
        ForbiddenAddressError: It may not be reached, or not without TLS.
    """
    policy.check_url(check_url(url))
    parts = urlsplit(url)
    if parts.scheme != "https":
        spelled = literal(parts.hostname or "")
        if not (policy.allow_private if spelled is None else policy.opens(spelled)):
            raise ForbiddenAddressError
    return url


def next_wait(answer: Answer, *, tries: int, age: timedelta, jitter: float) -> timedelta | None:
    """Return how long to wait before the next attempt, or None to give up.

    Args:
        answer: With a fault.
        tries: Attempts so far, counting this one; 1 or more.
        age: Since the first of them.
        jitter: 0.0 to 1.0; the caller draws it.

    Source: docs/decisions/0018-webhooks.md.
    """
    is_over = answer.http_status == HTTPStatus.GONE or answer.fault in _FINAL
    wait = WAITS[min(tries, len(WAITS)) - 1] * (1 - _JITTER + 2 * _JITTER * jitter)
    if answer.retry_after is not None and answer.http_status in _ASKING:
        wait = max(wait, min(answer.retry_after, RETRY_AFTER_CAP))
    return None if is_over or age + wait > RETRY_FOR else wait


def _sign(secret: str, signed: bytes) -> str:
    key = base64.b64decode(secret.removeprefix(SECRET_PREFIX))
    return "v1," + base64.b64encode(hmac.digest(key, signed, "sha256")).decode()
