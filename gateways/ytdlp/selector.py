"""The formats that yt-dlp fetches: our choice among its own, in the shape that it expects."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from domain.findings import Format
from domain.requests import Wish
from domain.selection import Choice, choose
from gateways.ytdlp.facts import format_of

Select = Callable[[Mapping[str, Any]], Iterable[dict[str, Any]]]
"""A format selector of yt-dlp: yields formats of a context, one or merged."""

_NONE = "none"


class Selector:
    """Chooses by ``domain.selection``, where yt-dlp would by an expression of its language.

    Its language knows no shorter side and no text with signs of its own in it, and a text of a
    site that is put into it can end up as a part of it.

    Args:
        build: ``YoutubeDL.build_format_selector``.

    Source: yt_dlp/YoutubeDL.py, ``process_video_result`` and ``_select_formats``.
    """

    def __init__(self, wish: Wish, build: Callable[[str], Select]) -> None:
        self._wish = wish
        # It tests a format that may be unplayable, and yields nothing if it is.
        self._tested = build("b*")
        self._merged = build("mergeall")

    def __call__(self, context: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
        """Yield what is fetched; nothing if the site does not offer what is wished."""
        offered: dict[str, dict[str, Any]] = {}
        formats: list[Format] = []
        for one in context["formats"]:
            described = format_of(one)
            if described is not None:
                offered[described.format_id] = one
                formats.append(described)

        def is_usable(one: Format) -> bool:
            return any(self._tested({**context, "formats": [offered[one.format_id]]}))

        choice = choose(formats, self._wish, is_usable)
        if choice is not None:
            # The last one comes first.
            chosen = [offered[one.format_id] for one in choice.formats]
            yield from self._merged({**context, "formats": _as_meant(choice, chosen)[::-1]})


def prefer_first_language(formats: Iterable[dict[str, Any]]) -> None:
    """Put the language that a site lists first before its others, unless the site ranks them.

    yt-dlp would go by the names of the formats, where all else is equal.

    Args:
        formats: In the site's own order; their ``language_preference`` is set.
    """
    sounds = [one for one in formats if one.get("vcodec") == _NONE]
    if any(one.get("language_preference") is not None for one in sounds):
        return
    # A rendition that is not the default of its group is marked so.
    usual = (one for one in sounds if (one.get("source_preference") or 0) >= 0)
    first = next(usual, None)
    for one in sounds:
        if first is not None and one.get("language") == first.get("language"):
            one["language_preference"] = 0


def _as_meant(choice: Choice, chosen: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the formats without the parts that are not to be merged."""
    if choice.picture is None:
        return chosen
    picture, *sounds = chosen
    if not choice.keeps_own_sound:
        picture = picture | {"acodec": _NONE}
    return [picture, *(one | {"vcodec": _NONE} for one in sounds)]
