"""Which subtitles go into a video: the wished languages, as near as the site has them."""

import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from domain.requests import LANGUAGE

MAX_SUBTITLE_BYTES = 16 * 1024 * 1024
"""Of one language; those of a long film are a hundredth of it."""

AUTOMATIC = "-auto"
"""Ends a wished language of which automatic captions will do where there are no others."""

_LANGUAGE = re.compile(LANGUAGE)
_LOOKED_AT_BYTES = 4096
_BEGINNINGS = (b"WEBVTT",)
_ARROW = b"-->"

Tracks = Mapping[str, Sequence[Mapping[str, Any]]]
"""For each language, the formats in which a site has it, as yt-dlp lists them."""


def choose(
    wished: Iterable[str], offered: Tracks, automatic: Tracks, forms: Sequence[str]
) -> dict[str, Mapping[str, Any] | None]:
    """Return for each wished language the track to fetch, or None if there is none.

    Args:
        wished: As ``en``, or ``en-auto``.
        forms: The extensions that can be taken in, the best first.

    Returns:
        The tracks under the site's own name of their language, None under the wished one.
    """
    chosen: dict[str, Mapping[str, Any] | None] = {}
    for language in wished:
        plain = language.removesuffix(AUTOMATIC)
        found = _nearest(plain, offered, forms)
        if found is None and plain != language:
            found = _nearest(plain, automatic, forms)
        if found is None:
            chosen[language] = None
        else:
            chosen[found[0]] = found[1]
    return chosen


def is_readable(file: Path) -> bool:
    """Whether a file could be subtitles: neither empty, nor a page in their place."""
    try:
        with file.open("rb") as opened:
            beginning = opened.read(_LOOKED_AT_BYTES)
    except OSError:
        return False
    text = beginning.removeprefix(b"\xef\xbb\xbf").lstrip()
    return text.startswith(_BEGINNINGS) or _ARROW in text


def _nearest(
    language: str, tracks: Tracks, forms: Sequence[str]
) -> tuple[str, Mapping[str, Any]] | None:
    """Return the track of that very language, or else of one of its regions (``en-US``)."""
    wished = language.lower()
    # The name becomes a part of a path.
    names = [name for name in tracks if _LANGUAGE.fullmatch(name)]
    exact = [name for name in names if name.lower() == wished]
    regional = [name for name in names if name.lower().startswith(f"{wished}-")]
    for name in (*exact, *regional):
        for form in forms:
            for track in reversed(tracks[name] or ()):
                if track.get("ext") == form:
                    return name, track
    return None
