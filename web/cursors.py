"""Cursors: where the next page of a history starts, signed for one user."""

import base64
import hashlib
import hmac
import re

from web.problems import InvalidError

_FORM = re.compile(r"[A-Za-z0-9_-]{32}", re.ASCII)
_MAC_BYTES = 16


class Cursors:
    """Gives and reads cursors."""

    def __init__(self, secret: str) -> None:
        # A key of its own, so that a cursor can never stand for anything else we sign.
        self._key = hmac.digest(secret.encode(), b"vasset.history.cursor", "sha256")

    def give(self, user_id: int, before: int) -> str:
        """Return the cursor of the page with ids below ``before``."""
        place = before.to_bytes(8, "big")
        return base64.urlsafe_b64encode(place + self._mac(user_id, place)).decode()

    def read(self, user_id: int, cursor: str) -> int:
        """Return the id below which the page starts.

        Raises:
            ProblemError: 422, it is not one of ours for this user.
        """
        # 24 bytes are 32 characters without spare bits, so each cursor has one form only.
        if _FORM.fullmatch(cursor) is not None:
            raw = base64.urlsafe_b64decode(cursor)
            if hmac.compare_digest(raw[8:], self._mac(user_id, raw[:8])):
                return int.from_bytes(raw[:8], "big")
        raise InvalidError(
            422,
            "The query string is not what this address expects.",
            ("cursor", "is not a next_cursor of your history"),
        )

    def _mac(self, user_id: int, place: bytes) -> bytes:
        signed = user_id.to_bytes(8, "big") + place
        return hmac.new(self._key, signed, hashlib.sha256).digest()[:_MAC_BYTES]
