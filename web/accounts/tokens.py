"""Access tokens: JWTs with one form, one algorithm and a bounded life."""

import base64
import binascii
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated, Literal

import jwt
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from domain.download import User
from runtime.settings import MIN_SECRET_BYTES
from runtime.settings_layers import SettingsError
from web import strict_json
from web.fields import MAX_ID

ISSUER = "vasset"
AUDIENCE = "vasset-api"
LEEWAY_S = 5
MAX_LENGTH = 2_048

# Every token of ours starts so. Comparing it whole refuses other algorithms, kid, jku, crit and
# zip before anything parses a header that strangers wrote.
_HEAD = base64.urlsafe_b64encode(b'{"alg":"HS256","typ":"JWT"}').rstrip(b"=").decode()


_FAULTS = (
    jwt.PyJWTError,
    ValueError,
    ValidationError,
    RecursionError,
    strict_json.NotJsonError,
    strict_json.BadTextError,
)


class _Payload(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    iss: Literal["vasset"]
    aud: Literal["vasset-api"]
    typ: Literal["access"]
    sub: Annotated[str, Field(pattern=r"^[1-9][0-9]{0,18}$")]
    ver: int
    iat: int
    exp: int
    jti: Annotated[str, Field(min_length=1, max_length=64)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Claims:
    """What a good token says.

    Attributes:
        version: The account's ``token_version`` when it was given; another one ends it.
        ends_at: Seconds since 1970.
    """

    user_id: int
    version: int
    ends_at: int


class Tokens:
    """Gives and reads access tokens.

    Args:
        secret: The HMAC key.
        ttl: How long a token lives; one that says it lives longer is refused.
        clock: Seconds since 1970.

    Raises:
        SettingsError: The secret is shorter than the hash. Source: RFC 7518, section 3.2.
    """

    def __init__(
        self, secret: str, ttl: timedelta, *, clock: Callable[[], float] = time.time
    ) -> None:
        if len(secret.encode()) < MIN_SECRET_BYTES:
            message = f"settings: auth.secret: must have at least {MIN_SECRET_BYTES} bytes"
            raise SettingsError(message)
        self._secret = secret
        self.ttl = ttl
        self._clock = clock

    def give(self, user: User) -> str:
        """Return a new token of an account."""
        now = int(self._clock())
        payload = {
            "iss": ISSUER,
            "aud": AUDIENCE,
            "typ": "access",
            "sub": str(user.user_id),
            "ver": user.token_version,
            "iat": now,
            "exp": now + int(self.ttl.total_seconds()),
            "jti": uuid.uuid4().hex,
        }
        return jwt.encode(  # pyright: ignore[reportUnknownMemberType] - a key of a library that is absent
            payload, self._secret, algorithm="HS256"
        )

    def read(self, token: str) -> Claims | None:
        """Return what a token says, or None if anything at all is wrong with it."""
        parts = token.split(".")
        if len(token) > MAX_LENGTH or len(parts) != 3 or parts[0] != _HEAD:  # noqa: PLR2004
            return None
        try:
            jwt.decode(  # pyright: ignore[reportUnknownMemberType] - as above
                token,
                self._secret,
                algorithms=["HS256"],
                audience=AUDIENCE,
                issuer=ISSUER,
                # The times are judged below: PyJWT takes "123" and 1e400 for numbers.
                options={"verify_exp": False, "verify_iat": False, "verify_nbf": False},
            )
            _canonical(parts[2])
            raw = _canonical(parts[1])
            strict_json.parse(raw)
            payload = _Payload.model_validate_json(raw)
        except _FAULTS:
            return None
        return self._judged(payload)

    def _judged(self, payload: _Payload) -> Claims | None:
        now = self._clock()
        life = payload.exp - payload.iat
        in_time = payload.iat - LEEWAY_S <= now < payload.exp + LEEWAY_S
        if not in_time or not 0 < life <= self.ttl.total_seconds():
            return None
        user_id = int(payload.sub)
        if user_id > MAX_ID:
            return None
        return Claims(user_id=user_id, version=payload.ver, ends_at=payload.exp)


def _canonical(segment: str) -> bytes:
    """Return what a segment stands for.

    Raises:
        ValueError: It is not the one way of writing it: padding, blanks, spare bits.
    """
    try:
        raw = base64.b64decode(segment + "=" * (-len(segment) % 4), altchars=b"-_", validate=True)
    except binascii.Error as error:
        raise ValueError(segment) from error
    if base64.urlsafe_b64encode(raw).rstrip(b"=").decode() != segment:
        message = "not the canonical form"
        raise ValueError(message)
    return raw
