"""What may be asked of a download: the address and the wished quality."""

import re
from dataclasses import dataclass
from enum import StrEnum
from urllib.parse import urlsplit

from domain.entries import EntrySelector
from domain.failures import InvalidUrlError

MAX_SITE_LENGTH = 253
"""Source: RFC 1035, section 2.3.4."""

# An underscore is in no host's name by the book, and in many by use.
_LABEL = re.compile(r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?", re.IGNORECASE | re.ASCII)

MAX_URL_LENGTH = 2_048
"""Characters of a submitted address. Source: the contract, section 3."""


class Quality(StrEnum):
    """The quality as people say it: a bound on the height, or only the sound."""

    BEST = "best"
    P2160 = "2160p"
    P1440 = "1440p"
    P1080 = "1080p"
    P720 = "720p"
    P480 = "480p"
    P360 = "360p"
    AUDIO = "audio"

    @property
    def max_height(self) -> int | None:
        """Return the tallest picture wanted in pixels, or None for no bound."""
        return int(self.value[:-1]) if self.value.endswith("p") else None


class Container(StrEnum):
    """What a video is wrapped in."""

    MP4 = "mp4"
    MKV = "mkv"
    WEBM = "webm"


MAX_SUBTITLES = 10
"""Languages of one download."""

LANGUAGE = r"^[A-Za-z]{2,3}(-[A-Za-z0-9]{1,8}){0,3}$"
"""A language as sites name it: ``en``, ``pt-BR``, ``zh-Hans``. Source: RFC 5646, the usual part."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What the user asked to be fetched.

    Attributes:
        url: Checked by ``check_url``.
        format_id: One exact format of the site, or None to choose by ``quality``.
        container: None for the one that the site's formats come in.
        subtitles: Languages, as ``LANGUAGE`` describes them.
        entry: Which video of the list at the address; None if the address is one video.
        title: As the list calls it, cleaned; None if it came from no list.
    """

    url: str
    quality: Quality = Quality.BEST
    format_id: str | None = None
    container: Container | None = None
    subtitles: tuple[str, ...] = ()
    entry: EntrySelector | None = None
    title: str | None = None


def site_of(url: str) -> str:
    """Return the name under which the limits know an address: its host, without ``www.``."""
    host = (urlsplit(url).hostname or "").rstrip(".")
    return host.removeprefix("www.").removeprefix("m.")[:MAX_SITE_LENGTH]


def check_url(url: str) -> str:
    """Return the address unchanged if a download may start from it.

    Only the form is judged here; whether the address may be reached is for the egress policy.

    Raises:
        InvalidUrlError: It is not an absolute http(s) address with a plain host, is too long,
            or carries a user name, a control character, a space or a smuggled yt-dlp option.

    Source: reliability rows UR-16 to UR-23.
    """
    if not url or len(url) > MAX_URL_LENGTH:
        raise InvalidUrlError
    # urlsplit silently drops tabs and newlines, so they must be refused before it runs.
    if any(character <= " " or character in "\x7f\\" for character in url):
        raise InvalidUrlError
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
        url.encode()
    except ValueError as error:
        raise InvalidUrlError from error
    if parts.scheme not in ("http", "https") or not host or port == 0:
        raise InvalidUrlError
    if "@" in parts.netloc or "%" in parts.netloc or parts.netloc.endswith(":"):
        raise InvalidUrlError
    if not parts.netloc.startswith("[") and not _is_name(host):
        raise InvalidUrlError
    # yt-dlp reads options from this fragment: an internal channel of its extractors.
    if "__youtubedl_smuggle" in url:
        raise InvalidUrlError
    return url


def _is_name(host: str) -> bool:
    """Whether a resolver could be asked for a host, once it is in its international form."""
    try:
        name = host.removesuffix(".").encode("idna").decode("ascii")
        name.encode("ascii").decode("idna")
    except UnicodeError:
        return False
    labels = name.split(".")
    return len(name) <= MAX_SITE_LENGTH and all(_LABEL.fullmatch(label) for label in labels)
