"""What a local server answers, as plain values: the body and how badly it is sent."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Self

from tests.support.content import Blob, Content


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How the body is sent; the default is at once and whole.

    Attributes:
        delay_s: Silence before the status line.
        bytes_per_s: 0 for no limit.
        stall_after: Bytes after which nothing more comes while the connection stays open.
        cut_after: Bytes after which the connection is closed.
    """

    delay_s: float = 0.0
    bytes_per_s: int = 0
    stall_after: int | None = None
    cut_after: int | None = None

    @classmethod
    def parse(cls, query: Mapping[str, str]) -> Self:
        """Return the pace that a query asks for by the names of the attributes."""
        stall, cut = query.get("stall_after"), query.get("cut_after")
        return cls(
            delay_s=float(query.get("delay_s", 0)),
            bytes_per_s=int(query.get("bytes_per_s", 0)),
            stall_after=None if stall is None else int(stall),
            cut_after=None if cut is None else int(cut),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """One answer.

    Attributes:
        is_endless: The content is repeated for ever and no length is told.
        is_unmeasured: No length is told; the end of the body is that of the connection.
        etag: Without quotes; empty for none. With it the answer honours ranges.
    """

    status: int = HTTPStatus.OK
    content: Content = field(default_factory=lambda: Blob(b""))
    media_type: str = "text/plain; charset=utf-8"
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    pace: Pace = field(default_factory=Pace)
    etag: str = ""
    is_endless: bool = False
    is_unmeasured: bool = False


@dataclass(frozen=True, slots=True)
class Slice:
    """The part of a content that a request asked for: from ``start`` up to ``stop``."""

    start: int
    stop: int


def text(body: str, *, status: int = HTTPStatus.OK, media_type: str = "text/plain") -> Answer:
    """Return an answer with a text in UTF-8."""
    content = Blob(body.encode("utf-8", "surrogateescape"))
    return Answer(status=status, content=content, media_type=f"{media_type}; charset=utf-8")


def requested_slice(header: str, size_bytes: int) -> Slice | None:
    """Return the part that a Range header of one range asks for, or None to refuse it (416).

    Raises:
        ValueError: It is not one range of bytes; the header is to be ignored.

    Source: RFC 9110, 14.1.2.
    """
    unit, _, spec = header.partition("=")
    first, dash, last = spec.partition("-")
    if unit.strip() != "bytes" or not dash or "," in spec:
        raise ValueError(header)
    if not first.strip():
        start, stop = max(0, size_bytes - int(last)), size_bytes
    else:
        start = int(first)
        stop = min(int(last) + 1, size_bytes) if last.strip() else size_bytes
    return Slice(start, stop) if start < stop else None
