"""HLS media playlists as text: what they hold, and whether they can be fetched. RFC 8216."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from urllib.parse import urljoin

from domain.failures import DrmProtectedError, UnsupportedSiteError

# Only where one may begin: a name without an end would else be read again from each of its letters.
_ATTRIBUTE = re.compile(r'(?:^|,)\s*+([A-Z0-9-]++)=("[^"]*"|[^,]*)')
_OPEN_METHODS = ("NONE", "AES-128")
_OPEN_KEY_FORMAT = "identity"
_NO_KEY: Mapping[str, str] = {}


@dataclass(frozen=True, slots=True, kw_only=True)
class Segment:
    """One segment of a playlist.

    Attributes:
        sequence: Its media sequence number.
        url: Absolute.
        base: What relative addresses of its key and head are relative to.
        duration_s: As its EXTINF says; 0 if it does not.
        key: The attributes of the EXT-X-KEY that it is encrypted with; empty if it is not.
        byte_range: Its first byte and the one after its last, or None for all.
        head: The attributes of its EXT-X-MAP; empty if it has none.
    """

    sequence: int
    url: str
    base: str
    duration_s: float
    key: Mapping[str, str]
    byte_range: tuple[int, int] | None
    head: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Playlist:
    """A media playlist.

    Attributes:
        url: Where it was read.
        target_s: The longest that a segment may be; 0 if it does not say.
        is_ended: Whether it says that no segment will be added.
    """

    url: str
    target_s: float
    segments: tuple[Segment, ...]
    is_ended: bool

    @property
    def duration_s(self) -> float:
        """The seconds of all its segments."""
        return sum(one.duration_s for one in self.segments)

    def is_as(self, other: "Playlist") -> bool:
        """Whether another reading of it brought nothing new."""
        ends = (self.segments[-1:], len(self.segments), self.is_ended)
        return self.begins_as(other) and ends == (
            other.segments[-1:],
            len(other.segments),
            other.is_ended,
        )

    def begins_as(self, other: "Playlist") -> bool:
        """Whether both have the same first segment."""
        return self.segments[:1] == other.segments[:1]


class _Reader:
    """Reads line by line; what a line says holds for the segments that follow."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.target_s = 0.0
        self.is_ended = False
        self.segments: list[Segment] = []
        self._sequence = 0
        self._duration_s = 0.0
        self._key = _NO_KEY
        self._head = _NO_KEY
        self._range: str | None = None

    def read(self, line: str) -> None:
        if line.startswith("#"):
            tag, _, value = line.partition(":")
            self._read_of_list(tag, value)
            self._read_of_segment(tag, value)
        else:
            self._end_segment(line)

    def _read_of_list(self, tag: str, value: str) -> None:
        match tag:
            case "#EXT-X-TARGETDURATION":
                self.target_s = _number(value)
            case "#EXT-X-MEDIA-SEQUENCE":
                self._sequence = int(_number(value))
            case "#EXT-X-ENDLIST":
                self.is_ended = True
            case "#EXT-X-PLAYLIST-TYPE":
                self.is_ended = self.is_ended or value.strip() == "VOD"
            case _:
                pass

    def _read_of_segment(self, tag: str, value: str) -> None:
        match tag:
            case "#EXTINF":
                self._duration_s = _number(value.split(",", maxsplit=1)[0])
            case "#EXT-X-BYTERANGE":
                self._range = value
            case "#EXT-X-KEY":
                self._key = _attributes(value)
            case "#EXT-X-MAP":
                self._head = _attributes(value)
            case _:
                pass

    def _end_segment(self, line: str) -> None:
        before = self.segments[-1].byte_range if self.segments else None
        key = self._key if self._key.get("METHOD", "NONE") != "NONE" else _NO_KEY
        self.segments.append(
            Segment(
                sequence=self._sequence,
                url=urljoin(self.url, line),
                base=self.url,
                duration_s=self._duration_s,
                key=key,
                byte_range=span(self._range, 0 if before is None else before[1]),
                head=self._head,
            )
        )
        self._sequence += 1
        self._duration_s, self._range = 0.0, None


def parse(text: str, url: str) -> Playlist:
    """Return what a media playlist holds; what is unknown in it is passed over.

    Args:
        url: Where it was read, after all redirects.
    """
    reader = _Reader(url)
    for line in _lines(text):
        reader.read(line)
    return Playlist(
        url=url,
        target_s=reader.target_s,
        segments=tuple(reader.segments),
        is_ended=reader.is_ended,
    )


def check(text: str) -> None:
    """Do nothing if a playlist's segments can be fetched and joined.

    Raises:
        DrmProtectedError: They are encrypted for licensed players.
        UnsupportedSiteError: They have different beginnings (EXT-X-MAP), so no one file holds
            them.
    """
    heads = set[str]()
    for line in _lines(text):
        tag, _, value = line.partition(":")
        if tag == "#EXT-X-FAXS-CM" or (tag == "#EXT-X-KEY" and not _is_open(_attributes(value))):
            raise DrmProtectedError
        if tag == "#EXT-X-MAP":
            heads.add(value)
    if len(heads) > 1:
        raise UnsupportedSiteError


def plain(text: str) -> str:
    """Return a playlist that ``check`` has passed as yt-dlp can take it.

    It lacks a byte order mark, and names its one beginning (EXT-X-MAP) only once.
    """
    kept: list[str] = []
    has_head = False
    for line in _lines(text):
        is_head = line.startswith("#EXT-X-MAP:")
        if not (is_head and has_head):
            kept.append(line)
        has_head = has_head or is_head
    return "\n".join(kept)


def span(text: str | None, begin: int) -> tuple[int, int] | None:
    """Return a byte range, as EXT-X-BYTERANGE writes it, as its first byte and the one after it.

    Args:
        begin: Where it begins if it does not say.
    """
    if text is None:
        return None
    length, _, offset = text.partition("@")
    first = int(_number(offset)) if offset else begin
    return (first, first + int(_number(length)))


def _is_open(key: Mapping[str, str]) -> bool:
    method, form = key.get("METHOD", "NONE"), key.get("KEYFORMAT", _OPEN_KEY_FORMAT)
    return method in _OPEN_METHODS and form == _OPEN_KEY_FORMAT and not _is_license(key)


def _is_license(key: Mapping[str, str]) -> bool:
    # Apple's scheme for a key that only its own player is given.
    return key.get("URI", "").startswith("skd:")


def _attributes(value: str) -> Mapping[str, str]:
    return {name: text.strip('"') for name, text in _ATTRIBUTE.findall(value)}


def _lines(text: str) -> Iterator[str]:
    for line in text.removeprefix("\ufeff").splitlines():
        if line.strip():
            yield line.strip()


def _number(text: str) -> float:
    """Return a number of seconds or bytes; 0 if it is not a number."""
    try:
        number = float(text.strip())
    except ValueError:
        return 0.0
    return number if 0 <= number < 2**53 else 0.0
