"""Twins: downloads of the same address, wish and mode, of which one is enough to fetch."""

import hashlib
import json
from enum import StrEnum

from domain.findings import address_key
from domain.requests import Wish
from domain.states import Mode


class Share(StrEnum):
    """With whose twins a download may share a file.

    Source: docs/decisions/0020-sharing.md.
    """

    USER = "user"
    ALL = "all"
    OFF = "off"


def twin_key(wish: Wish, mode: Mode) -> bytes:
    """Return the digest that twins have in common, and no others.

    The mode does not change the bytes, but an archived file may be years old where a quick one
    is not.

    Source: docs/decisions/0020-sharing.md.
    """
    container = wish.container and wish.container.value
    facts = (mode, address_key(wish.url), wish.quality, wish.format_id, container, wish.subtitles)
    return hashlib.sha256(json.dumps(facts).encode()).digest()
