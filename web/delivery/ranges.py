"""Ranges and conditions: which bytes of a file a request is to be answered with (RFC 9110).

Our own, since Quart's answer 500 to a suffix range, and merging many ranges costs time that
grows with their square elsewhere. Source: the reliability rows FI-4 to FI-8.
"""

import re
from dataclasses import dataclass
from enum import Enum, auto

from werkzeug.datastructures import Headers

_RANGE = re.compile(r"bytes=([0-9]{0,18})-([0-9]{0,18})", re.ASCII | re.IGNORECASE)
_TAG = re.compile(r'(?:W/)?"[\x21\x23-\x7e\x80-\xff]*"')


@dataclass(frozen=True, slots=True)
class Span:
    """A part of a file; bytes.

    Attributes:
        start: The first byte, from 0.
        length: How many; 1 or more, but 0 for the whole of an empty file.
    """

    start: int
    length: int

    def content_range(self, size_bytes: int) -> str:
        """Return the value of Content-Range."""
        return f"bytes {self.start}-{self.start + self.length - 1}/{size_bytes}"


class Refusal(Enum):
    """Why a request is answered without the file."""

    NOT_MODIFIED = auto()
    PRECONDITION_FAILED = auto()
    UNSATISFIABLE = auto()


def choose(headers: Headers, *, method: str, etag: str, size_bytes: int) -> Span | Refusal | None:
    """Return the part that is asked for, None for the whole file, or why there is neither.

    Args:
        etag: The file's strong tag, with its quotes.

    Source: RFC 9110, section 13.2.2, for the order; 14.2: only GET knows ranges.
    """
    if "If-Match" in headers and not _names(headers.getlist("If-Match"), etag, is_weak=False):
        return Refusal.PRECONDITION_FAILED
    if _names(headers.getlist("If-None-Match"), etag, is_weak=True):
        return Refusal.NOT_MODIFIED
    asked = headers.getlist("Range")
    if method != "GET" or len(asked) != 1:
        return None
    # A date never fits, since we give none; so the rest of another file is never sent.
    if "If-Range" in headers and headers.getlist("If-Range") != [etag]:
        return None
    return parse(asked[0], size_bytes)


def parse(text: str, size_bytes: int) -> Span | Refusal | None:
    """Return the single range that a Range header asks for.

    None, which is the whole file and always a right answer, for what is no range of bytes, for
    several at once, and for numbers of more than 18 digits, with which others overflow.
    """
    found = _RANGE.fullmatch(text)
    if found is None or found[0].endswith("=-"):
        return None
    first, last = found.groups()
    if not first:
        return _suffix(int(last), size_bytes)
    start, end = int(first), int(last) if last else size_bytes
    if last and end < start:
        return None
    if start >= size_bytes:
        return Refusal.UNSATISFIABLE
    return Span(start, min(end, size_bytes - 1) - start + 1)


def _suffix(length: int, size_bytes: int) -> Span | Refusal | None:
    if length == 0:
        return Refusal.UNSATISFIABLE
    if size_bytes == 0:
        return None
    kept = min(length, size_bytes)
    return Span(size_bytes - kept, kept)


def _names(lines: list[str], etag: str, *, is_weak: bool) -> bool:
    """Return whether a list of tags names this one, or everything."""
    text = ",".join(lines)
    if text.strip(" \t") == "*":
        return True
    tags = _TAG.findall(text)
    return etag in tags or (is_weak and f"W/{etag}" in tags)
