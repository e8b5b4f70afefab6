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

SMUGGLE_MARK = "__youtubedl_smuggle"
"""yt-dlp hides options for its own extractors in a fragment of this name."""

MAX_URL_LENGTH = 2_048
"""Characters of a submitted address. Source: the contract, section 3."""


class Quality(StrEnum):
    """The quality as people say it: a bound on the size of the picture, or only the sound."""

    BEST = "best"
    P4320 = "4320p"
    P2160 = "2160p"
    P1440 = "1440p"
    P1080 = "1080p"
    P720 = "720p"
    P480 = "480p"
    P360 = "360p"
    P240 = "240p"
    P144 = "144p"
    AUDIO = "audio"

    @property
    def max_rung(self) -> int | None:
        """Return the largest rung that is wanted, as ``rung_of`` names them; None for no bound."""
        return int(self.value[:-1]) if self.value.endswith("p") else None


class Container(StrEnum):
    """What a file is wrapped in: a video, or sound alone."""

    MP4 = "mp4"
    MKV = "mkv"
    WEBM = "webm"
    MP3 = "mp3"
    M4A = "m4a"
    OPUS = "opus"
    FLAC = "flac"
    WAV = "wav"

    @property
    def is_audio(self) -> bool:
        """Whether it holds sound alone."""
        return self not in (Container.MP4, Container.MKV, Container.WEBM)

    @property
    def has_bitrate(self) -> bool:
        """Whether its sound is compressed with loss, to a bitrate that can be chosen."""
        return self in (Container.MP3, Container.M4A, Container.OPUS)


MIN_AUDIO_KBPS = 32
MAX_AUDIO_KBPS = 320
"""Bitrates that can be chosen for sound. Source: ISO/IEC 11172-3, the largest of an MP3."""

MAX_FORMAT_ID = 200
"""Characters of a wished format id, or of several joined by ``+``."""

# What yt-dlp replaces in each id, because its own language needs it.
_NEVER_IN_AN_ID = frozenset(",/[]()")


class Live(StrEnum):
    """What becomes of a stream that is on air; without one of these it is refused."""

    RECORD = "record"


MAX_SUBTITLES = 10
"""Languages of one download."""

LANGUAGE = r"^[A-Za-z]{2,3}(-[A-Za-z0-9]{1,8}){0,3}$"
"""A language as sites name it: ``en``, ``pt-BR``, ``zh-Hans``. Source: RFC 5646, the usual part."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What the user asked to be fetched.

    Attributes:
        url: Checked by ``check_url``.
        format_id: One exact format of the site, or a picture and its sound, joined by ``+``;
            None to choose by ``quality``.
        container: None for the one that suits what comes; one of sound only with ``AUDIO``.
        audio_bitrate_kbps: Of a container that has one; None for what is usual.
        subtitles: Languages, as ``LANGUAGE`` describes them.
        entry: Which video of the list at the address; None if the address is one video.
        title: As the list calls it, cleaned; None if it came from no list.
        live: What becomes of a stream that is on air; None to refuse it.
    """

    url: str
    quality: Quality = Quality.BEST
    format_id: str | None = None
    container: Container | None = None
    audio_bitrate_kbps: int | None = None
    subtitles: tuple[str, ...] = ()
    entry: EntrySelector | None = None
    title: str | None = None
    live: Live | None = None


def form_fault(
    quality: Quality, container: Container | None, audio_bitrate_kbps: int | None
) -> str | None:
    """Return what is contradictory in a wished form, as a sentence; None if nothing is."""
    is_audio = quality is Quality.AUDIO
    if container is not None and container.is_audio and not is_audio:
        return f'container "{container}" holds sound alone: it needs quality "audio"'
    if container is not None and not container.is_audio and is_audio:
        return f'container "{container}" holds a video: leave it out with quality "audio"'
    if audio_bitrate_kbps is not None and not (container and container.has_bitrate):
        return 'a bitrate of the sound needs container "mp3", "m4a" or "opus"'
    return None


def is_format_id(text: str) -> bool:
    """Whether a text can name one format of a site, or several joined by ``+``.

    A site may name its formats in any script, but by nothing that is blank or cannot be seen.
    """
    if not 0 < len(text) <= MAX_FORMAT_ID or not text.isprintable():
        return False
    if any(character.isspace() or character in _NEVER_IN_AN_ID for character in text):
        return False
    return all(text.split("+"))


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
    if SMUGGLE_MARK in url:
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
