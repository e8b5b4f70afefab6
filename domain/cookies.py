"""The cookies of one site, in Netscape's format."""

import re
from dataclasses import dataclass, field
from ipaddress import ip_address

MAX_BYTES = 16_384
"""They travel to a child in one packet with its order."""

_HEADER = "# Netscape HTTP Cookie File"
_HTTP_ONLY = "#HttpOnly_"
_FIELDS = 7
_FLAGS = ("TRUE", "FALSE")
_LATEST = 253_402_300_799
"""The last second of the year 9999: more digits make yt-dlp refuse the whole file."""

_LINE_END = re.compile(r"\r\n|\r|\n")
_NUMBER = re.compile(r"-?[0-9]+(\.[0-9]+)?", re.ASCII)
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


class CookiesError(Exception):
    """They are no cookies of this site; the text never repeats any."""


@dataclass(frozen=True, slots=True)
class SiteCookies:
    """Cookies that belong to one site alone.

    Attributes:
        text: As yt-dlp reads them, whatever the file was like.
        number: How many they are.
        expired: How many more there were that no site is shown any longer.
        left_out: The numbers of lines that are not cookies of any site.
    """

    text: str
    number: int
    expired: int = 0
    left_out: tuple[int, ...] = ()


@dataclass(slots=True)
class _Sorted:
    """The lines of a file, judged one after the other."""

    kept: list[str] = field(default_factory=list[str])
    expired: int = 0
    left_out: list[int] = field(default_factory=list[int])


def of_site(file: str, site: str, *, now: float = 0) -> SiteCookies:
    """Return those cookies of a file that belong to a site or its subdomains.

    What yt-dlp loads is taken, and what only breaks the form is mended: a byte order mark, no
    header, blanks for tabs, an empty value whose tab went, flags that contradict the domain. A
    line that cannot be read counts only if it names the site.

    Args:
        file: A cookies.txt: seven fields in a line, divided by tabs.
        site: A host, without ``www.``.
        now: Seconds since 1970, to leave out what has expired; 0 leaves nothing out.

    Raises:
        CookiesError: None belongs to the site, one of its lines is broken, or there are too many.

    Source: ``YoutubeDLCookieJar.load`` of yt-dlp and ``MozillaCookieJar`` below it.
    """
    text = file.removeprefix("\ufeff")
    if text.lstrip().startswith(("[", "{")):
        message = "it is JSON: export it as cookies.txt, in Netscape's format"
        raise CookiesError(message)
    found = _Sorted()
    for number, line in enumerate(_LINE_END.split(text), 1):
        _sort(found, number, line, site, now)
    return _checked(found, site)


def _sort(found: _Sorted, number: int, line: str, site: str, now: float) -> None:
    """Put a line where it belongs.

    Raises:
        CookiesError: It names the site and cannot be shown to it.
    """
    line = line.removeprefix(_HTTP_ONLY)
    if not line.strip() or line.lstrip().startswith(("#", "$")):
        return
    fields = _fields(line)
    if not _belongs(fields[0], site):
        found.left_out += [number] if len(fields) != _FIELDS else []
        return
    if len(fields) != _FIELDS:
        message = f"line {number} is not a cookie: it does not have seven fields separated by tabs"
        raise CookiesError(message)
    expires = _expiry(fields[4], number)
    if 0 < expires < now:
        found.expired += 1
    else:
        found.kept.append(_written(fields, expires, number))


def _fields(line: str) -> list[str]:
    """Return the fields of a line, seven if it can be read at all.

    An editor takes the tab before an empty value for a blank at the end of a line, and a terminal
    or a page shows blanks for tabs.
    """
    parts = line.split("\t")
    if len(parts) < _FIELDS - 1:
        parts = line.strip().split(None, _FIELDS - 1)
    parts[0] = parts[0].strip().lower()
    is_cut = len(parts) == _FIELDS - 1 and {parts[1].upper(), parts[3].upper()} <= {*_FLAGS}
    return [*parts, ""] if is_cut else parts


def _belongs(domain: str, site: str) -> bool:
    host = _ascii(domain.lstrip("."))
    return host == site or host.endswith(f".{site}")


def _expiry(text: str, number: int) -> int:
    """Return when a cookie ends, in seconds since 1970; 0 if with the session.

    Raises:
        CookiesError: It is not a number; yt-dlp would silently drop such a cookie.
    """
    if not text.strip():
        return 0
    if _NUMBER.fullmatch(text.strip()) is None:
        message = (
            f"line {number} is not a cookie: its fifth field is not a time in seconds since 1970"
        )
        raise CookiesError(message)
    whole = text.strip().partition(".")[0]
    return _LATEST if len(whole) > len(str(_LATEST)) else max(0, min(int(whole), _LATEST))


def _written(fields: list[str], expires: int, number: int) -> str:
    """Return a line that yt-dlp reads and a request can carry.

    Raises:
        CookiesError: It contains a control character.
    """
    domain, _, path, secure, _, name, value = fields
    if any(_CONTROL.search(part) for part in (path, name, value)):
        message = f"line {number} is not a cookie: it contains a control character"
        raise CookiesError(message)
    host = _ascii(domain.lstrip("."))
    # Python's reader refuses the whole file where flag and dot contradict each other.
    is_wide = domain.startswith(".") or fields[1].strip().upper() == "TRUE"
    is_wide = is_wide and not _is_ip(host)
    flags = dict(zip((True, False), _FLAGS, strict=True))
    return "\t".join(
        (
            f".{host}" if is_wide else host,
            flags[is_wide],
            path if path.startswith("/") else "/",
            flags[secure.strip().upper() == "TRUE"],
            str(expires),
            _sendable(name),
            _sendable(value),
        )
    )


def _sendable(text: str) -> str:
    """Return a text that fits into a header: letters beyond Latin-1 as the bytes of UTF-8.

    So a browser sends them; the library below yt-dlp fails on them at every request.
    """
    try:
        text.encode("latin-1")
    except UnicodeEncodeError:
        return text.encode(errors="replace").decode("latin-1")
    return text


def _ascii(host: str) -> str:
    try:
        return host.encode("idna").decode()
    except UnicodeError:
        return host


def _is_ip(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


def _checked(found: _Sorted, site: str) -> SiteCookies:
    text = "\n".join([_HEADER, *found.kept]) + "\n"
    if found.kept and len(text.encode()) <= MAX_BYTES:
        return SiteCookies(text, len(found.kept), found.expired, tuple(found.left_out))
    if found.kept:
        message = f"the cookies of {site} are more than {MAX_BYTES} bytes"
    elif found.expired:
        message = f"every cookie of {site} in it has expired: export them again"
    elif found.left_out:
        line = found.left_out[0]
        message = (
            f"it is not a cookies.txt: line {line} does not have seven fields separated by tabs"
        )
    else:
        message = f"no cookie in it belongs to {site}"
    raise CookiesError(message)
