"""Cursors: where the next page of a list starts, signed for one reader of one list."""

import base64
import hashlib
import hmac
import json
import re

from web.fields import MAX_ID
from web.problems import InvalidError

_FORM = re.compile(r"[A-Za-z0-9_-]{32}", re.ASCII)
_MAC_BYTES = 16

Scope = tuple[str | int | None, ...]
"""What a cursor is good for: the list, its reader and each of its filters."""


class Cursors:
    """Gives and reads cursors."""

    def __init__(self, secret: str) -> None:
        # A key of its own, so that a cursor can never stand for anything else we sign.
        self._key = hmac.digest(secret.encode(), b"vasset.cursor", "sha256")

    def give(self, scope: Scope, before: int | None) -> str | None:
        """Return the cursor of the page with ids below ``before``, or None if there is none."""
        if before is None:
            return None
        place = before.to_bytes(8, "big")
        return base64.urlsafe_b64encode(place + self._mac(scope, place)).decode()

    def read(self, scope: Scope, cursor: str | None) -> int:
        """Return the id below which the page starts; without a cursor that is every page's.

        Raises:
            ProblemError: 422, it is not one of ours for this reader, list and filters.
        """
        if cursor is None:
            return MAX_ID
        # 24 bytes are 32 characters without spare bits, so each cursor has one form only.
        if _FORM.fullmatch(cursor) is not None:
            raw = base64.urlsafe_b64decode(cursor)
            if hmac.compare_digest(raw[8:], self._mac(scope, raw[:8])):
                return int.from_bytes(raw[:8], "big")
        raise InvalidError(
            422,
            "The query string is not what this address expects.",
            ("cursor", "is not a next_cursor of this list with these filters"),
        )

    def _mac(self, scope: Scope, place: bytes) -> bytes:
        signed = place + json.dumps(scope).encode()
        return hmac.new(self._key, signed, hashlib.sha256).digest()[:_MAC_BYTES]
