"""Lists: an address that leads to several videos, and which of them are wanted."""

from collections.abc import Sequence
from dataclasses import dataclass

from vasset.client.api import Api, ApiError
from vasset.client.shapes import Entry, Parsed
from vasset.client.submission import Item

IS_PLAYLIST = "is_playlist"
MAX_DEPTH = 3
"""Lists within lists that are followed, such as the tabs of a channel."""

_MOST = 100_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """What is wanted of a list.

    Attributes:
        count: Its videos, as far as the server counts them.
        is_truncated: Whether there are more.
        is_whole: Whether all are wanted, as far as the server names them.
        items: Those that are wanted.
    """

    title: str
    count: int
    is_truncated: bool
    is_whole: bool
    items: Sequence[Item]

    @property
    def is_several(self) -> bool:
        """Return whether it is more than one video."""
        return self.count > 1 or self.is_truncated

    @property
    def text(self) -> str:
        """Return in words how many videos there are, and how many of them are wanted."""
        more = "more than " if self.is_truncated else ""
        called = f" ({self.title})" if self.title else ""
        wanted = len(self.items)
        if not self.is_whole:
            taken = f"; {wanted} of them are wanted"
        else:
            taken = f"; the server takes the first {wanted}" if self.is_truncated else ""
        return f"is a list of {more}{self.count} videos{called}{taken}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """Which entries of every list are wanted.

    Attributes:
        is_first: Only whichever is first.
        spans: Positions from and to, both included; None for all.
        is_agreed: Whether all of a list may be downloaded without a question.
    """

    is_first: bool = False
    spans: Sequence[tuple[int, int]] | None = None
    is_agreed: bool = False

    @property
    def is_made(self) -> bool:
        """Return whether the user need not be asked."""
        return self.is_agreed or self.spans is not None

    @property
    def looks_first(self) -> bool:
        """Return whether every address is looked at before anything is submitted."""
        return self.spans is not None

    def of(self, parsed: Parsed, url: str) -> Sequence[Entry]:
        """Return the entries that are wanted, in the order in which they were asked for.

        Raises:
            ApiError: One of them is not there.
        """
        entries = parsed.entries or [Entry(index=1, title=parsed.title, url=url)]
        if self.spans is None:
            return entries
        by_index = {entry.index: entry for entry in entries}
        wanted = dict.fromkeys(
            index for first, last in self.spans for index in range(first, last + 1)
        )
        missing = [index for index in wanted if index not in by_index]
        if parsed.truncated:
            # The server names only the first of them; of the others it knows when it fetches.
            by_index |= {
                index: Entry(index=index, url=url, entry={"index": index})
                for index in missing
                if index > len(entries)
            }
        absent = next((index for index in missing if index not in by_index), None)
        if absent is not None:
            raise ApiError(200, "unavailable", f"the list has no video {absent}")
        return [by_index[index] for index in wanted]


def spans_of(text: str) -> list[tuple[int, int]]:
    """Return the positions that ``1-3,7`` means, each from and to.

    Raises:
        ValueError: It is not a list of positions.
    """
    spans: list[tuple[int, int]] = []
    for part in text.split(","):
        first, dash, last = part.strip().partition("-")
        span = (_position(first), _position(last) if dash else _position(first))
        if span[0] > span[1]:
            message = f"{part.strip()!r} ends before it begins"
            raise ValueError(message)
        spans.append(span)
    return spans


def _position(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and 1 <= int(text[:9]) <= _MOST):
        message = f"{text!r} is not a position in a list: write, for example, 1-3,7"
        raise ValueError(message)
    return int(text)


async def read(api: Api, item: Item, choice: Choice) -> Listing:
    """Return what is wanted of the list at an address; a single video is a list of one.

    Raises:
        ApiError: It cannot be read, has no videos, or not those that are wanted.
    """
    parsed = await api.ask("POST", "/parse", Parsed, body={"url": item.url})
    if parsed.entries == []:
        raise ApiError(200, "unsupported_site", "the list has no video that can be downloaded")
    # A choice is of the list that was named, not of the lists within it.
    chosen = choice if item.depth == 0 else Choice()
    wanted = chosen.of(parsed, item.url)
    return Listing(
        title=parsed.title,
        count=1 if parsed.entries is None else len(parsed.entries),
        is_truncated=parsed.truncated,
        is_whole=chosen.spans is None,
        items=[
            Item(url=one.url, entry=one.entry, title=one.title or None, depth=item.depth + 1)
            for one in wanted
        ],
    )
