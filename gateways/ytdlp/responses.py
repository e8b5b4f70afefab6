"""Checks each answer of a transfer against its request, so that no file is made of two.

yt-dlp resumes a broken transfer with a bare ``Range``, so a file that changed in between becomes
the head of one and the tail of another, of the right size. And it takes any answer for a fragment
that a playlist describes by a range, even the whole file. Source: reliability M11.
"""

import io
import re
import threading
from collections.abc import Callable, Iterator, Mapping, MutableMapping
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Protocol, Self, cast
from uuid import uuid4

from gateways.ytdlp.options import STEM

_OK, _PARTIAL_CONTENT, _RANGE_NOT_SATISFIABLE = 200, 206, 416
_RANGE = re.compile(r"bytes=(\d+)-(\d*)")
_CONTENT_RANGE = re.compile(r"bytes (\d+)-(\d+)/(\d+|\*)")
_BLOCK_BYTES = 256 * 1024
_BEGINNING_BYTES = 64
_NO_FRAGMENT = (b"<!doctype", b"<html", b'{"', b"<?xml", b"<mpd")
_CONTROLS = frozenset(range(32)) - frozenset(b"\t\n\r")


class WrongAnswerError(Exception):
    """An answer does not match its request; asking again may bring one that does."""


class Request(Protocol):
    """What yt-dlp asks for."""

    @property
    def url(self) -> str:
        """Where."""
        ...

    @property
    def headers(self) -> MutableMapping[str, str]:
        """How."""
        ...


class Response(Protocol):
    """What came: yt-dlp's own response, or one of its making."""

    status: int
    headers: Any

    def read(self, amt: int, /) -> bytes:
        """Return the next bytes, none at the end."""
        ...

    def close(self) -> None:
        """Take no more."""


Send = Callable[[Any], Any]
Make = Callable[[io.BytesIO, str, Mapping[str, str]], Any]
"""Returns a response to a part of an address: body, address, headers."""


@dataclass(frozen=True, slots=True)
class ByteRange:
    """From the first byte to the last, both included; to the end if there is no last."""

    first: int
    last: int | None

    def __str__(self) -> str:
        return f"bytes={self.first}-{'' if self.last is None else self.last}"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Version:
    """What an answer says of the file that it is of, or is a part of.

    Attributes:
        validator: A strong ETag, or else the date; None if neither proves anything.
        size_bytes: Of the whole file; None if it is not said.
    """

    validator: str | None
    size_bytes: int | None
    is_whole: bool

    def is_of_same_file(self, other: "_Version") -> bool:
        sizes = {self.size_bytes, other.size_bytes} - {None}
        return self.validator == other.validator and len(sizes) <= 1


class ResponseChecker:
    """Sends the requests of one transfer, a file or a list of fragments.

    Args:
        is_fragmented: A closed range is what a playlist says of a fragment, not a piece of a file.
        folder: For the whole of what is asked for in parts, where a server has no parts.
        refusal: The exception with a ``status`` that a request raises if it is refused.
    """

    def __init__(
        self, *, is_fragmented: bool, folder: Path, make: Make, refusal: type[Exception]
    ) -> None:
        self._is_fragmented = is_fragmented
        self._folder = folder
        self._make = make
        self._refusal = refusal
        self._first: dict[str, _Version] = {}
        self._begins: dict[tuple[str, int], int] = {}
        self._sizes: dict[str, int] = {}
        self._wholes: dict[str, Path] = {}
        self._slicing: set[str] = set()
        self._lock = threading.Lock()
        self._answers = 0
        self._open_ended = 0

    @property
    def is_complete(self) -> bool:
        """Whether every answer said where it ends; what ends before is no answer."""
        return self._answers > 0 and self._open_ended == 0

    def open(self, request: Request, send: Send) -> Response:
        """Return the answer to a request, or to one that asks for more where that is needed.

        Raises:
            WrongAnswerError: The answer is to something else.
        """
        wanted = _range_of(request)
        if not self._is_fragmented:
            return (
                self._whole(request, send) if wanted is None else self._rest(wanted, request, send)
            )
        if wanted is None:
            return _media(self._whole(request, send))
        if wanted.last is None:
            return self._rest(wanted, request, send)
        return self._fragment(request, wanted.first, wanted.last, send)

    def _whole(self, request: Request, send: Send) -> Response:
        """Return all of a file.

        Raises:
            WrongAnswerError: It is a part, though none was asked for.
        """
        response = send(request)
        if response.status == _PARTIAL_CONTENT and not _is_all(response):
            response.close()
            raise WrongAnswerError
        return self._noted(request.url, response)

    def _rest(self, wanted: ByteRange, request: Request, send: Send) -> Response:
        """Return the rest of a file if it is still the same, or else all of it, from the beginning.

        yt-dlp begins again when an answer names no range.
        """
        first = self._first.get(request.url)
        if first is not None:
            if first.validator is not None:
                request.headers["If-Range"] = first.validator
            elif first.is_whole:
                del request.headers["Range"]
        response = self._unless_out_of_range(request, send)
        if response is not None and _goes_on(response, wanted.first, first):
            return self._noted(request.url, response)
        if response is not None:
            response.close()
        for name in ("Range", "If-Range"):
            if name in request.headers:
                del request.headers[name]
        return self._whole(request, send)

    def _unless_out_of_range(self, request: Request, send: Send) -> Response | None:
        try:
            return send(request)
        except self._refusal as error:
            # yt-dlp would call a file complete that lacks up to a hundred bytes.
            if getattr(error, "status", None) == _RANGE_NOT_SATISFIABLE:
                return None
            raise

    def _fragment(self, request: Request, first: int, last: int, send: Send) -> Response:
        """Return exactly the part of a file that a playlist names.

        A fragment that broke off is asked for again from its own beginning: its parts could be of
        two files, and edges of one network need not agree on a validator.
        """
        begin = min(first, self._begins.setdefault((request.url, last), first))
        request.headers["Range"] = str(ByteRange(begin, last))
        response = self._part(request, begin, last, send)
        if first != begin:
            del response.headers["Content-Range"]
        return response

    def _part(self, request: Request, first: int, last: int, send: Send) -> Response:
        url = request.url
        # Of a server that has no parts, the whole is fetched once.
        with nullcontext() if url in self._slicing else self._lock:
            if url not in self._wholes:
                response = _media(send(request))
                if response.status == _PARTIAL_CONTENT:
                    self._slicing.add(url)
                    return self._exactly(url, response, first, last)
                if _length(response) == last - first + 1:
                    # The part, under a wrong status, or a whole that is no longer than it.
                    self._count(response)
                    return _titled(response, first, last)
                self._wholes[url] = self._kept(response)
        with self._wholes[url].open("rb") as whole:
            return self._cut(whole, url, first, last)

    def _exactly(self, url: str, response: Response, first: int, last: int) -> Response:
        """Return a part if it is the one that was asked for, cut out of it if it is more."""
        found = _CONTENT_RANGE.fullmatch(response.headers.get("Content-Range") or "")
        if found is None or not int(found[1]) <= first <= last <= int(found[2]):
            raise WrongAnswerError
        if found[3] != "*" and self._sizes.setdefault(url, int(found[3])) != int(found[3]):
            raise WrongAnswerError
        size_bytes = int(found[2]) - int(found[1]) + 1
        if _length(response) not in {None, size_bytes}:
            raise WrongAnswerError
        if _length(response) is None:
            # yt-dlp then counts what comes.
            response.headers["Content-Length"] = str(size_bytes)
        self._count(response)
        if (int(found[1]), int(found[2])) == (first, last):
            return response
        part = _taken(response, first - int(found[1]), last - first + 1)
        return self._cut(io.BytesIO(part), url, first, last, at=first)

    def _kept(self, response: Response) -> Path:
        """Keep all of a body, and return where."""
        self._count(response)
        # Under a name by which the watch takes it for no part of the video.
        path = self._folder / f"{STEM}.temp.{uuid4().hex}"
        with path.open("wb") as file:
            file.writelines(_blocks(response))
        return path

    def _cut(self, source: BinaryIO, url: str, first: int, last: int, *, at: int = 0) -> Response:
        """Return a part of a body that begins ``at`` a byte of its file."""
        source.seek(first - at)
        body = source.read(last - first + 1)
        if len(body) != last - first + 1:
            raise WrongAnswerError
        headers = {"Content-Length": str(len(body))}
        return _titled(self._make(io.BytesIO(body), url, headers), first, last)

    def _noted(self, url: str, response: Response) -> Response:
        if url not in self._first or response.status != _PARTIAL_CONTENT:
            self._first[url] = _version(response)
        self._count(response)
        return response

    def _count(self, response: Response) -> None:
        is_chunked = "chunked" in (response.headers.get("Transfer-Encoding") or "").lower()
        self._answers += 1
        self._open_ended += not is_chunked and _length(response) is None


def _blocks(response: Response) -> Iterator[bytes]:
    while block := response.read(_BLOCK_BYTES):
        yield block


def _taken(response: Response, skip: int, count: int) -> bytes:
    """Return a part of a body, holding no more than that; the rest is not taken."""
    kept = bytearray()
    for block in _blocks(response):
        kept += block[skip : skip + count - len(kept)]
        skip = max(0, skip - len(block))
        if len(kept) == count:
            break
    response.close()
    return bytes(kept)


def _is_all(response: Response) -> bool:
    """Whether a part of a file is all of it."""
    found = _CONTENT_RANGE.fullmatch(response.headers.get("Content-Range") or "")
    return found is not None and found[1] == "0" and found[3] == str(int(found[2]) + 1)


def _goes_on(response: Response, begin: int, first: _Version | None) -> bool:
    """Whether an answer is the rest of a file from a byte on, or all of it as it was before."""
    version = _version(response)
    if response.status != _PARTIAL_CONTENT:
        sizes = {version.size_bytes, first and first.size_bytes} - {None}
        return len(sizes) <= 1
    found = _CONTENT_RANGE.fullmatch(response.headers.get("Content-Range") or "")
    is_at = found is not None and int(found[1]) == begin
    return is_at and (first is None or first.is_of_same_file(version))


def _all_of(response: Response) -> bytes:
    return b"".join(_blocks(response))


def _media(response: Response) -> Response:
    """Return a response again, unless it is a page or a message in the place of a fragment.

    Its type says nothing: many sources send fragments as ``text/html``.

    Raises:
        WrongAnswerError: It is one.
    """
    beginning = response.read(_BEGINNING_BYTES)
    text = beginning.removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    # An encrypted fragment may begin by chance as JSON does, but not go on as text does.
    if text.startswith(_NO_FRAGMENT) and not _CONTROLS.intersection(text):
        response.close()
        raise WrongAnswerError
    return cast("Response", _Begun(response, beginning))


class _Begun:
    """A response of which the beginning was read; in all else it is the response."""

    def __init__(self, response: Response, beginning: bytes) -> None:
        self._response = response
        self._beginning = beginning

    def read(self, amt: int | None = None) -> bytes:
        if amt is None:
            beginning, self._beginning = self._beginning, b""
            return beginning + _all_of(self._response)
        beginning, self._beginning = self._beginning[:amt], self._beginning[amt:]
        return beginning or self._response.read(amt)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._response.close()

    def __getattr__(self, name: str) -> object:
        return getattr(self._response, name)


def _titled(response: Response, first: int, last: int) -> Response:
    response.headers["Content-Range"] = f"bytes {first}-{last}/*"
    return response


def _version(response: Response) -> _Version:
    headers = response.headers
    etag = headers.get("ETag")
    strong = etag if etag and not etag.startswith("W/") else None
    found = _CONTENT_RANGE.fullmatch(headers.get("Content-Range") or "")
    is_whole = response.status != _PARTIAL_CONTENT
    complete = int(found[3]) if found is not None and found[3] != "*" else None
    return _Version(
        validator=strong or (None if etag else headers.get("Last-Modified")),
        size_bytes=_length(response) if is_whole else complete,
        is_whole=is_whole,
    )


def _range_of(request: Request) -> ByteRange | None:
    found = _RANGE.fullmatch(request.headers.get("Range") or "")
    return found and ByteRange(int(found[1]), int(found[2]) if found[2] else None)


def _length(response: Response) -> int | None:
    text = response.headers.get("Content-Length") or ""
    return int(text) if text.isdecimal() else None
