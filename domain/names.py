"""The name under which an asset is offered to its owner."""

import unicodedata

MAX_NAME_BYTES = 200
"""Room for every file system's limit of 255 after a client appends to it."""

_SEPARATORS = str.maketrans(dict.fromkeys('/\\:*?"<>|', "_"))
_RESERVED = {"con", "prn", "aux", "nul", *(f"{d}{n}" for d in ("com", "lpt") for n in range(1, 10))}


def asset_name(title: str | None, extension: str, history_id: int) -> str:
    """Return a file name from a site's title, safe on every system; never empty.

    Args:
        title: Any text at all, or None.
        extension: From the allow-list, without a dot.

    Source: reliability rows FI-9 and YT-10.
    """
    text = unicodedata.normalize("NFC", title or "")
    # Categories C*: controls, formats such as the right-to-left override, lone surrogates.
    kept = "".join(c for c in text if not unicodedata.category(c).startswith("C"))
    stem = " ".join(kept.translate(_SEPARATORS).split()).strip(". ")
    stem = _cut(stem, MAX_NAME_BYTES - len(extension) - 1).rstrip(". ")
    if not stem or stem.split(".")[0].casefold() in _RESERVED:
        stem = f"video-{history_id}"
    return f"{stem}.{extension}"


def _cut(text: str, max_bytes: int) -> str:
    """Return the longest beginning of a text that fits, without half a character."""
    return text.encode()[:max_bytes].decode(errors="ignore")
