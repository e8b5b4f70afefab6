"""Entries: which of several videos at one address is meant."""

import json
import re
from dataclasses import dataclass
from typing import Any, cast

MAX_ENTRY_ID_LENGTH = 200
"""Code points of an id that a site gives to an entry."""

# Neither controls, which a terminal would obey, nor what turns a line around or breaks it.
ENTRY_ID = r"^[^\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]+$"
"""The characters that such an id may have."""

MAX_ENTRY_INDEX = 100_000
"""The largest position in a list."""

_FIRST = "first"
_ID = re.compile(ENTRY_ID)


@dataclass(frozen=True, slots=True, kw_only=True)
class EntrySelector:
    """One entry of a list; without an index and an id, whichever is first.

    Attributes:
        index: Its position when the list was read, 1 or more; with an id, only a hint.
        id: The site's own name for it; it decides, wherever in the list the entry is by now.
    """

    index: int | None = None
    id: str | None = None

    @property
    def is_first(self) -> bool:
        """Return whether it means whichever entry is first."""
        return self.index is None and self.id is None


FIRST = EntrySelector()
"""Whichever entry is first."""


def encode_entry(entry: EntrySelector) -> str:
    """Return a selector as JSON, as rows, requests and answers all write it."""
    return json.dumps(shown_entry(entry), ensure_ascii=False)


def shown_entry(entry: EntrySelector) -> str | dict[str, int | str]:
    """Return a selector as a request gives it: ``first``, or an object of an index and an id."""
    if entry.is_first:
        return _FIRST
    index = {} if entry.index is None else {"index": entry.index}
    return index | ({} if entry.id is None else {"id": entry.id})


def decode_entry(text: str) -> EntrySelector:
    """Return what ``encode_entry`` wrote."""
    told = json.loads(text)
    if told == _FIRST:
        return FIRST
    fields = cast("dict[str, Any]", told)
    return EntrySelector(index=fields.get("index"), id=fields.get("id"))


def is_entry_id(text: str) -> bool:
    """Whether a text can be the id of an entry."""
    if len(text) > MAX_ENTRY_ID_LENGTH or _ID.fullmatch(text) is None:
        return False
    try:
        text.encode()
    except UnicodeEncodeError:
        # Half a character, which no JSON can carry.
        return False
    return True
