"""Dispositions: the Content-Disposition of a file that is sent (RFC 6266, RFC 8187)."""

import unicodedata
from urllib.parse import quote

from domain.characters import JOINERS, safe_text

MAX_NAME_BYTES = 200

# Names that Windows keeps for devices, whatever stands after the first dot.
_DEVICES = frozenset(
    ("CON", "PRN", "AUX", "NUL", *(f"{port}{n}" for port in ("COM", "LPT") for n in range(10)))
)
_FORBIDDEN = frozenset('/\\:*?"<>|')
_ENDS = f" .{JOINERS}"
_ATTR_CHARS = "!#$&+-.^_`|~"
"""Source: RFC 8187, section 3.2.1."""


def attachment(file_name: str | None) -> str:
    """Return the header's value: an ASCII name for old clients, and the true one.

    Args:
        file_name: As the row has it; it came from a site, so nothing in it is believed.
    """
    name = safe_name(file_name or "")
    stem, dot, extension = name.rpartition(".")
    fallback = (_plain(stem if dot else extension) or "download") + (
        f".{_plain(extension)}" if dot and _plain(extension) else ""
    )
    true = quote(name, safe=_ATTR_CHARS)
    return f"attachment; filename=\"{fallback}\"; filename*=UTF-8''{true}"


def safe_name(file_name: str) -> str:
    """Return a name that no file system takes for a path, a device or a hidden file."""
    composed = unicodedata.normalize("NFC", file_name)
    visible = "".join("_" if c in _FORBIDDEN else c for c in safe_text(composed))
    stem, dot, extension = visible.strip(_ENDS).rpartition(".")
    if not dot:
        stem, extension = extension, ""
    if stem.partition(".")[0].strip().upper() in _DEVICES:
        stem = f"_{stem}"
    tail = f".{extension}" if extension else ""
    room = max(MAX_NAME_BYTES - len(tail.encode()), 0)
    short = safe_text(stem.encode()[:room].decode(errors="ignore")).rstrip(_ENDS)
    return f"{short or 'download'}{tail}".encode()[:MAX_NAME_BYTES].decode(errors="ignore")


def _plain(text: str) -> str:
    """Return a text in ASCII without its accents, or an empty one if little would be left."""
    letters = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    kept = "".join(c if c.isalnum() or c in "._- ()" else "_" for c in letters).strip(" .")
    return kept if any(c.isalnum() for c in kept) else ""
