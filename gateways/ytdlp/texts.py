"""A site's own texts, made fit to be shown and kept."""

import re
from urllib.parse import urlsplit

from domain.characters import safe_text
from domain.requests import MAX_URL_LENGTH, SMUGGLE_MARK

MAX_TITLE_LENGTH = 200
"""Code points of a site's text. Source: reliability row YT-10."""

MAX_REMARK_LENGTH = 500
"""Code points of what yt-dlp says."""

_COLOUR = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")
# Any part of an address may be a secret: a signed link, the token at the gate.
_ADDRESS = re.compile(
    r"""\b([a-z][a-z0-9+.-]*://)(?:[^\s/'"<>]*@)?([^\s/'"<>?#]*)[^\s'"<>]*""", re.IGNORECASE
)
_QUERY = re.compile(r"""\?[^\s'"<>?]*=[^\s'"<>]*""")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")


def clean_text(text: str, max_length: int = MAX_TITLE_LENGTH) -> str:
    """Return a site's text without what can deceive or break: one line, bounded, valid UTF-8."""
    # A control, such as the end of a line, divides words; what is hidden does not.
    parted = _CONTROL.sub(" ", text)
    return " ".join(safe_text(parted).split())[:max_length].rstrip()


def clean_remark(text: str) -> str:
    """Return what yt-dlp said in one line that can be shown, of each address only the host."""
    bare = _COLOUR.sub("", text)
    return clean_text(_QUERY.sub("?…", _ADDRESS.sub(r"\1\2/…", bare)), MAX_REMARK_LENGTH)


def plain_url(url: str | None) -> str | None:
    """Return the address if it can be shown, else None."""
    if url is None or len(url) > MAX_URL_LENGTH or not url.isprintable() or " " in url:
        return None
    try:
        parts = urlsplit(url)
    except ValueError:
        return None
    if parts.scheme not in ("http", "https") or SMUGGLE_MARK in url:
        return None
    return url
