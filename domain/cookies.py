"""The cookies of one site, in Netscape's format."""

from dataclasses import dataclass

MAX_BYTES = 16_384
"""They travel to a child in one packet with its order."""

_HEADER = "# Netscape HTTP Cookie File"
_HTTP_ONLY = "#HttpOnly_"
_FIELDS = 7


class CookiesError(Exception):
    """They are no cookies of this site; the text never repeats any."""


@dataclass(frozen=True, slots=True)
class SiteCookies:
    """Cookies that belong to one site alone."""

    text: str
    number: int


def of_site(file: str, site: str) -> SiteCookies:
    """Return those cookies of a file that belong to a site or its subdomains.

    Args:
        file: A cookies.txt: seven fields in a line, divided by tabs.
        site: A host, without ``www.``.

    Raises:
        CookiesError: None belongs to it, or a line is none, or they are too many.

    Source: the format that curl and yt-dlp read, one cookie in a line.
    """
    kept = [line for line in map(str.strip, file.splitlines()) if _belongs(line, site)]
    text = "\n".join([_HEADER, *kept]) + "\n"
    if not kept:
        message = f"no cookie in it belongs to {site}"
        raise CookiesError(message)
    if len(text.encode()) > MAX_BYTES:
        message = f"the cookies of {site} are more than {MAX_BYTES} bytes"
        raise CookiesError(message)
    return SiteCookies(text, len(kept))


def _belongs(line: str, site: str) -> bool:
    if not line or (line.startswith("#") and not line.startswith(_HTTP_ONLY)):
        return False
    fields = line.removeprefix(_HTTP_ONLY).split("\t")
    if len(fields) != _FIELDS:
        message = "it is no cookies.txt: a line has not seven fields divided by tabs"
        raise CookiesError(message)
    domain = fields[0].lstrip(".").lower()
    return domain == site or domain.endswith(f".{site}")
