"""Tickets: signed links to finished files, for browsers, players and other nodes."""

import base64
import hashlib
import hmac
import re
import struct
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import IntEnum

MAX_FILES = 100
"""Of one ticket: its link must fit into an address of 2,048 bytes."""

_FORM = re.compile(r"[A-Za-z0-9_-]{1,1500}", re.ASCII)
_HEAD = struct.Struct(">BQIQ")
_ID = struct.Struct(">Q")
_MAC_BYTES = 16
_BY_KEY = 0x40
"""Added to the use where the id of a personal API key follows the head."""


class Use(IntEnum):
    """What a ticket opens: one file, several in an archive, or either after a redirect."""

    FILE = 1
    ARCHIVE = 2
    FILE_HERE = 3
    ARCHIVE_HERE = 4

    @property
    def after_redirect(self) -> "Use":
        """Return the use of the ticket that another node is shown."""
        return Use.FILE_HERE if self in (Use.FILE, Use.FILE_HERE) else Use.ARCHIVE_HERE

    @property
    def is_redirected(self) -> bool:
        """Whether the ticket has brought its owner to the node that keeps the file."""
        return self in (Use.FILE_HERE, Use.ARCHIVE_HERE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ticket:
    """What a good ticket says. Whether the files and the account are still there, the rows say.

    Attributes:
        version: The account's ``token_version`` when it was given; another one ends it.
        ends_at: Seconds since 1970.
        key_id: Of the personal API key that it was given to, with which it ends; or None.
    """

    use: Use
    user_id: int
    version: int
    ends_at: int
    history_ids: tuple[int, ...]
    key_id: int | None = None


class Tickets:
    """Gives and reads tickets. One may be used again until it ends, since players seek."""

    def __init__(self, secret: str) -> None:
        # A key of its own, so that a ticket can never stand for anything else we sign.
        self._key = hmac.digest(secret.encode(), b"vasset.delivery.ticket", "sha256")

    def give(self, ticket: Ticket) -> str:
        """Return a ticket as text, fit for an address."""
        said = _packed(ticket)
        return base64.urlsafe_b64encode(said + self._mac(said)).rstrip(b"=").decode()

    def fingerprint(self, ticket: Ticket) -> str:
        """Return what names a ticket, and the one that stands for it after a redirect."""
        said = _packed(replace(ticket, use=Use.FILE))
        return hmac.new(self._key, b"use" + said, hashlib.sha256).hexdigest()[:32]

    def read(self, text: str, *, uses: Sequence[Use], now: float, late_s: int = 0) -> Ticket | None:
        """Return what a ticket says, or None if it is not ours, for another use or over.

        Args:
            late_s: How long after its end it is read all the same.
        """
        if _FORM.fullmatch(text) is None or len(text) % 4 == 1:
            return None
        raw = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
        said, mac = raw[:-_MAC_BYTES], raw[-_MAC_BYTES:]
        if not hmac.compare_digest(mac, self._mac(said)) or self._text(raw) != text:
            return None
        ticket = _unpacked(said)
        if ticket.use not in uses or now >= ticket.ends_at + late_s:
            return None
        return ticket

    @staticmethod
    def _text(raw: bytes) -> str:
        """Return the one way of writing it: another with the same bytes is none of ours."""
        return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()

    def _mac(self, said: bytes) -> bytes:
        return hmac.new(self._key, said, hashlib.sha256).digest()[:_MAC_BYTES]


def _packed(ticket: Ticket) -> bytes:
    use, ids = int(ticket.use), ticket.history_ids
    if ticket.key_id is not None:
        use, ids = use | _BY_KEY, (ticket.key_id, *ids)
    head = _HEAD.pack(use, ticket.user_id, ticket.version, ticket.ends_at)
    return head + b"".join(map(_ID.pack, ids))


def _unpacked(said: bytes) -> Ticket:
    use, user_id, version, ends_at = _HEAD.unpack_from(said)
    ids = [number for (number,) in _ID.iter_unpack(said[_HEAD.size :])]
    key_id = ids.pop(0) if use & _BY_KEY else None
    return Ticket(
        use=Use(use & ~_BY_KEY),
        user_id=user_id,
        version=version,
        ends_at=ends_at,
        history_ids=tuple(ids),
        key_id=key_id,
    )
