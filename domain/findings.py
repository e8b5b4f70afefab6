"""What is found at an address without fetching it: the values of a parse."""

import hashlib
from dataclasses import dataclass
from datetime import timedelta
from urllib.parse import urlsplit, urlunsplit

from domain.addresses import AddressPolicy
from domain.entries import EntrySelector
from domain.failures import DownloadError, FailureCode
from domain.requests import check_url
from domain.rungs import rung_of

MAX_FORMATS = 300
"""Formats of one video; the largest sites have some eighty."""

_NONE = "none"
_DEFAULT_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True, kw_only=True)
class Format:
    """One form in which a site offers a video; None means that it did not say.

    Attributes:
        format_id: May be wished for as it stands.
        vcodec: ``none`` for sound alone.
        acodec: ``none`` for a picture alone.
        filesize: Bytes, announced or estimated.
        tbr: Kilobits a second, sound and picture together.
        language: Of its sound, as the site names it.
        note: The site's own words for it.
    """

    format_id: str
    ext: str | None = None
    width: int | None = None
    height: int | None = None
    fps: float | None = None
    vcodec: str | None = None
    acodec: str | None = None
    filesize: int | None = None
    tbr: float | None = None
    language: str | None = None
    note: str | None = None

    @property
    def has_picture(self) -> bool:
        """Whether it is more than sound, as far as the site said."""
        return self.vcodec != _NONE

    @property
    def has_sound(self) -> bool | None:
        """Whether it has sound; None if the site did not say."""
        return None if self.acodec is None else self.acodec != _NONE

    @property
    def rung(self) -> int | None:
        """Return the name of its size, 1080 for 1080p; None for sound, or if it is not known."""
        return rung_of(self.width, self.height) if self.has_picture else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One video of a playlist.

    Attributes:
        url: Of the video itself; of the playlist, if ``is_inside``.
        index: Its position in the playlist, from 1; 0 if an older worker looked.
        id: The site's unique name for it in the list; None if it has none.
        is_inside: Whether it has no address of its own, so that a download needs the selector.
    """

    url: str
    title: str
    duration_s: float | None = None
    index: int = 0
    id: str | None = None
    is_inside: bool = False

    @property
    def entry(self) -> EntrySelector | None:
        """Return the selector to submit beside ``url``; None if the address is enough."""
        return EntrySelector(index=self.index, id=self.id) if self.is_inside else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """What a site said of an address as a whole."""

    title: str
    extractor: str
    duration_s: float | None
    thumbnail: str | None
    uploader: str | None
    webpage_url: str | None
    live: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Findings(Summary):
    """All that a site said of an address.

    Attributes:
        formats: The best last; empty for a playlist.
        entries: None if the address is one video.
        is_cut: Whether the playlist has more entries.
        miniature: A small JPEG in base64, made by us of the site's picture; None if there is none.
    """

    formats: tuple[Format, ...]
    entries: tuple[Entry, ...] | None
    is_cut: bool = False
    miniature: str | None = None

    @property
    def thumbnail_preview(self) -> str | None:
        """Return the miniature as an address that a page can show without asking anybody."""
        return self.miniature and f"data:image/jpeg;base64,{self.miniature}"

    @property
    def is_several(self) -> bool:
        """Return whether there is more than one video at the address."""
        return self.entries is not None and (len(self.entries) > 1 or self.is_cut)

    @property
    def truncated(self) -> bool | None:
        """Return whether entries were left out because they are too many; None of a video."""
        return None if self.entries is None else self.is_cut


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """Why nothing was found.

    Attributes:
        message: One of our own explanations.
        is_final: Whether it would end the same way again.
    """

    code: FailureCode
    message: str
    is_final: bool
    retry_after: timedelta | None = None


Outcome = Findings | Failure


def address_key(url: str) -> str:
    """Return the name under which an address is kept: the same for each way to write it.

    Args:
        url: Has passed ``check_url``.
    """
    parts = urlsplit(url)
    host = (parts.hostname or "").rstrip(".")
    port = parts.port or _DEFAULT_PORTS[parts.scheme]
    # Paths, queries and fragments stay as they are: to a site each spelling may be another video.
    plain = urlunsplit(parts._replace(netloc=f"{host}|{port}", path=parts.path or "/"))
    return hashlib.sha256(plain.encode()).hexdigest()


def is_open(url: str, policy: AddressPolicy) -> bool:
    """Whether an address that a site named may be shown: a download could start from it."""
    try:
        policy.check_url(check_url(url))
    except DownloadError:
        return False
    return True
