"""Lists in the child: addresses of several videos, and which of them to fetch."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from itertools import chain, islice
from pathlib import PurePosixPath
from typing import Any, Protocol, cast
from urllib.parse import unquote, urlsplit

from domain.entries import EntrySelector, is_entry_id
from domain.failures import EntryGoneError, IsPlaylistError
from domain.names import GENERIC_EXTRACTORS

INDEX, ID = "_vasset_index", "_vasset_id"
"""Where an entry that is looked at keeps its position, and the id that no other entry has."""


class Pairs(Protocol):
    """The entries of a list with their positions from 1, read as far as they are asked for."""

    def __getitem__(self, place: int | slice) -> Iterable[tuple[int, Any]]:
        """Return the pairs of a position, or of a range with both its ends."""
        ...


class Naming:
    """For a look: names each entry of a list, as a later fetch will find it."""

    def __init__(self, max_entries: int) -> None:
        self._max_entries = max_entries

    def narrow(self, found: Mapping[str, Any], pairs: Pairs) -> list[Any]:
        """Return the first entries with position and id, one more than may be named."""
        extractor = str(found.get("extractor") or "")
        entries = [(index, dict(one)) for index, one in _real(pairs[1 : self._max_entries + 1])]
        ids = [identity(one, extractor) for _, one in entries]
        often = Counter(ids)
        return [
            one | {INDEX: index, ID: name if often[name] == 1 else None}
            for (index, one), name in zip(entries, ids, strict=True)
        ]

    def check(self, found: Mapping[str, Any]) -> None:
        """Do nothing: whatever there is may be looked at."""


class Choosing:
    """For a fetch: lets the wished entry pass, and never another."""

    def __init__(self, wished: EntrySelector | None, max_entries: int) -> None:
        self._wished = wished
        self._max_entries = max_entries

    def narrow(self, found: Mapping[str, Any], pairs: Pairs) -> list[Any]:
        """Return the one entry of a list that is to be fetched; none if the list is empty.

        A list of one is the video itself: some sites wrap each of theirs in such a list.

        Raises:
            IsPlaylistError: There are several, and none of them is wished.
            EntryGoneError: The one that is wished is not there.
        """
        if self._wished is not None and self._wished.is_first:
            return [one for _, one in _real(pairs[1])]
        beginning = list(_real(pairs[1:2]))
        extractor = str(found.get("extractor") or "")
        if len(beginning) > 1 or self._knows(beginning, extractor):
            chosen = self._chosen(found, pairs, extractor)
            self._wished = None
            return [chosen]
        return [one for _, one in beginning]

    def check(self, found: Mapping[str, Any]) -> None:
        """Do nothing if a video is the one that is wished.

        Raises:
            EntryGoneError: There is only this one, and it is another.
        """
        wished, self._wished = self._wished, None
        if wished is None or wished.is_first:
            return
        names = (found.get("id"), identity(found, str(found.get("extractor") or "")))
        if wished.id not in names if wished.id is not None else wished.index != 1:
            raise EntryGoneError

    def _knows(self, beginning: list[tuple[int, Any]], extractor: str) -> bool:
        """Whether the only entry is named by its id."""
        wished = None if self._wished is None else self._wished.id
        return wished is not None and any(
            identity(one, extractor) == wished for _, one in beginning
        )

    def _chosen(self, found: Mapping[str, Any], pairs: Pairs, extractor: str) -> object:
        wished = self._wished
        if wished is None:
            raise self._several(found, pairs)
        near = [] if wished.index is None else [one for _, one in _real(pairs[wished.index])]
        if wished.id is None:
            chosen = near
        else:
            # Where it was, else wherever it is by now.
            read = (one for _, one in _real(pairs[1 : self._max_entries]))
            known = (one for one in chain(near, read) if identity(one, extractor) == wished.id)
            chosen = list(islice(known, 1))
        if not chosen:
            raise EntryGoneError
        return chosen[0]

    def _several(self, found: Mapping[str, Any], pairs: Pairs) -> IsPlaylistError:
        count = found.get("playlist_count")
        if not isinstance(count, int) or count <= 1:
            count = sum(1 for _ in _real(pairs[1 : self._max_entries + 1]))
        most = self._max_entries
        return IsPlaylistError(entries=min(count, most), is_truncated=count > most)


def alone(found: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the one video of a list of one that came with it, or else what is given."""
    entries = found.get("entries")
    if not isinstance(entries, list):
        return found
    told = cast("list[object]", entries)
    if len(told) != 1 or not isinstance(told[0], Mapping):
        return found
    only = cast("Mapping[str, Any]", told[0])
    return alone(only) if "formats" in only or "entries" in only else found


def identity(entry: Mapping[str, Any], extractor: str) -> str | None:
    """Return the id that identifies an entry even after its list changes; None if it has none.

    Args:
        extractor: Of the list.
    """
    is_named = entry.get("_type") in ("url", "url_transparent")
    # Generic extractors number what they find on a page, so their ids move when the page grows.
    is_generic = str(entry.get("extractor") or extractor).lower() in GENERIC_EXTRACTORS
    if not is_named and is_generic:
        name = PurePosixPath(unquote(urlsplit(_media_url(entry)).path)).name
    else:
        name = str(entry.get("id") or "")
    return name if is_entry_id(name) else None


def _media_url(entry: Mapping[str, Any]) -> str:
    formats = entry.get("formats")
    first = cast("list[Any]", formats)[0] if isinstance(formats, list) and formats else entry
    told: object = first.get("url")
    return told if isinstance(told, str) else ""


def _real(pairs: Iterable[tuple[int, Any]]) -> Iterator[tuple[int, Mapping[str, Any]]]:
    """Yield the entries that are not empty: an empty one is a video that the site withholds."""
    for index, one in pairs:
        if isinstance(one, Mapping):
            yield index, cast("Mapping[str, Any]", one)
