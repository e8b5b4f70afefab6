"""What a child says of an address that it looked at, made sound: the same at both ends."""

import math
from dataclasses import dataclass, replace

from domain.entries import MAX_ENTRY_INDEX, is_entry_id
from domain.findings import Entry, Format, Summary
from domain.requests import is_format_id
from gateways.ytdlp.texts import clean_text, plain_url

MAX_WORD_LENGTH = 40
"""Code points of an extension, a codec or a note."""

_MOST = 2**53 - 1
"""The largest number that every reader of JSON takes for what it is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Found(Summary):
    """The whole of a look; its formats and entries came before, a miniature may follow.

    Attributes:
        is_list: Whether the address is a playlist.
        is_cut: Whether it has more entries than were told.
    """

    is_list: bool
    is_cut: bool = False


def clean_found(found: Found) -> Found:
    """Return the same with texts and numbers that can be shown."""
    return replace(
        found,
        title=clean_text(found.title),
        extractor=clean_text(found.extractor),
        duration_s=_number(found.duration_s),
        thumbnail=plain_url(found.thumbnail),
        uploader=clean_text(found.uploader or "") or None,
        webpage_url=plain_url(found.webpage_url),
    )


def clean_format(one: Format) -> Format | None:
    """Return the same with texts and numbers that can be shown; None if nobody could wish it."""
    if not is_format_id(one.format_id) or "+" in one.format_id:
        return None
    return Format(
        format_id=one.format_id,
        ext=_word(one.ext),
        width=_whole(one.width),
        height=_whole(one.height),
        fps=_number(one.fps),
        vcodec=_word(one.vcodec),
        acodec=_word(one.acodec),
        filesize=_whole(one.filesize),
        tbr=_number(one.tbr),
        language=_word(one.language),
        note=_word(one.note),
    )


def clean_entry(entry: Entry) -> Entry | None:
    """Return the same with texts and numbers that can be shown; None if its address cannot."""
    url = plain_url(entry.url)
    if url is None or not 1 <= entry.index <= MAX_ENTRY_INDEX:
        return None
    return replace(
        entry,
        url=url,
        title=clean_text(entry.title),
        duration_s=_number(entry.duration_s),
        id=entry.id if entry.id is not None and is_entry_id(entry.id) else None,
    )


def _word(text: str | None) -> str | None:
    return clean_text(text or "")[:MAX_WORD_LENGTH].rstrip() or None


def _number(value: float | None) -> float | None:
    if value is None or not math.isfinite(value) or not 0 <= value <= _MOST:
        return None
    return float(value)


def _whole(value: int | None) -> int | None:
    return value if value is not None and 0 <= value <= _MOST else None
