"""The name under which an asset is offered to its owner."""

import unicodedata

from domain.characters import JOINERS, safe_text

GENERIC_EXTRACTORS = frozenset({"generic", "html5"})
"""yt-dlp's extractors for any page: ids and titles of theirs are not the site's own."""

MAX_NAME_BYTES = 200
"""Room for every file system's limit of 255 after a client appends to it."""

_SEPARATORS = str.maketrans(dict.fromkeys('/\\:*?"<>|', "_"))
_ENDS = f". {JOINERS}"
_RESERVED = {"con", "prn", "aux", "nul", *(f"{d}{n}" for d in ("com", "lpt") for n in range(1, 10))}


def asset_name(title: str | None, extension: str, history_id: int) -> str:
    """Return a file name from a site's title, safe on every system; never empty.

    Args:
        title: Any text at all, or None.
        extension: From the allow-list, without a dot.

    Source: reliability rows FI-9 and YT-10.
    """
    kept = safe_text(unicodedata.normalize("NFC", title or ""))
    stem = " ".join(kept.translate(_SEPARATORS).split()).strip(_ENDS)
    # Once more: half of a flag is nothing that is seen.
    stem = safe_text(_cut(stem, MAX_NAME_BYTES - len(extension) - 1)).rstrip(_ENDS)
    if not stem or stem.split(".")[0].casefold() in _RESERVED:
        stem = f"video-{history_id}"
    return f"{stem}.{extension}"


def title_of(site_title: str, extractor: str, list_title: str | None) -> str:
    """Return the title of a download: the site's own, or its list's where that says more.

    yt-dlp's generic extractor calls a file by its address and a video by the page around it, so
    there the list knows better.

    Args:
        extractor: Which one read the site's title.
        list_title: None if the download came from no list.
    """
    is_generic = extractor.lower() in GENERIC_EXTRACTORS
    return list_title if list_title and (is_generic or not site_title) else site_title


def _cut(text: str, max_bytes: int) -> str:
    """Return the longest beginning of a text that fits, without half a character."""
    return text.encode()[:max_bytes].decode(errors="ignore")
