"""Twins: downloads of the same address, wish and mode, of which one is enough to fetch."""

import hashlib
import json
from enum import StrEnum

from domain.findings import address_key
from domain.requests import Wish
from domain.states import Mode

_RULES = 2
"""Grows when the same wish begins to mean another file, so that no older one is handed over."""


class Share(StrEnum):
    """With whose twins a download may share a file.

    Source: docs/decisions/0020-sharing.md.
    """

    USER = "user"
    ALL = "all"
    OFF = "off"


def twin_key(wish: Wish, mode: Mode) -> bytes | None:
    """Return the digest that twins have in common, and no others; None if it can have no twin.

    A place in a list is another video's tomorrow, so only an entry with an id has twins. A
    recording has none: each one begins and ends at another moment.

    The mode does not change the bytes, but an archived file may be years old where a quick one
    is not.

    Source: docs/decisions/0020-sharing.md.
    """
    if wish.live is not None or (wish.entry is not None and wish.entry.id is None):
        return None
    container = wish.container and wish.container.value
    form = (wish.quality, wish.format_id, container, wish.audio_bitrate_kbps, wish.subtitles)
    facts = (_RULES, mode, address_key(wish.url), wish.entry and wish.entry.id, *form)
    return hashlib.sha256(json.dumps(facts).encode()).digest()
