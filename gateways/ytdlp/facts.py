"""What yt-dlp's own dictionary says, taken out of it in the child; any value may be anything."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, cast

from domain.failures import InvalidUrlError, UnsupportedSiteError
from domain.findings import MAX_FORMATS, Entry, Format, address_key
from domain.requests import SMUGGLE_MARK, check_url
from gateways.ytdlp import lists
from gateways.ytdlp.findings import Found, clean_entry, clean_format
from gateways.ytdlp.protocol import Done
from gateways.ytdlp.texts import plain_url

_LIVE = ("is_live", "is_upcoming", "post_live")
_SMUGGLED = f"#{SMUGGLE_MARK}="


def facts(found: Mapping[str, Any] | None) -> Done:
    """Return what a site said about the one video that was fetched.

    Raises:
        UnsupportedSiteError: It offered none.
    """
    while found is not None and "entries" in found:
        found = next(iter(found["entries"] or []), None)
    if found is None:
        raise UnsupportedSiteError
    return Done(
        title=str(found.get("title") or ""),
        extractor=str(found.get("extractor") or ""),
        webpage_url=_text(found.get("webpage_url")),
        thumbnail=_text(found.get("thumbnail")),
        duration_s=_number(found.get("duration")),
    )


def parts(found: Mapping[str, Any], url: str, max_entries: int) -> Iterator[Format | Entry]:
    """Yield the entries of a playlist, or the formats of a video.

    Args:
        url: The address that was looked at; what is inside of it is fetched from there.

    Raises:
        UnsupportedSiteError: There is neither.
    """
    if "entries" in found:
        yield from _entries(found, url, max_entries)
        return
    offered = _formats(found)
    if not offered:
        raise UnsupportedSiteError
    yield from offered


def _formats(found: Mapping[str, Any]) -> list[Format]:
    """Return the formats that could be wished for; of very many the best, which come last."""
    told = _items(found.get("formats"))
    sound = [
        one for one in map(format_of, told) if one is not None and clean_format(one) is not None
    ]
    return sound[-MAX_FORMATS:]


def whole(found: Mapping[str, Any], max_entries: int) -> Found:
    """Return what a site said of the address as a whole; of a playlist one entry more is known."""
    return Found(
        title=str(found.get("title") or ""),
        extractor=str(found.get("extractor") or ""),
        duration_s=_number(found.get("duration")),
        thumbnail=_text(found.get("thumbnail")),
        uploader=_text(found.get("uploader")) or _text(found.get("channel")),
        webpage_url=_text(found.get("webpage_url")),
        live=found.get("is_live") is True or found.get("live_status") in _LIVE,
        is_list="entries" in found,
        is_cut=sum(1 for _ in _items(found.get("entries"))) > max_entries,
    )


def thumbnail_url(found: Mapping[str, Any], width: int) -> str | None:
    """Return the address of the smallest picture that is wide enough, or else of the best one.

    Only those count that are stated to be: of what it guesses, yt-dlp states no width.

    Source: yt_dlp/YoutubeDL.py, ``_sort_thumbnails``: the best comes last.
    """
    told = [
        (url, _count(one.get("width")) or 0)
        for one in _items(found.get("thumbnails"))
        if (url := plain_url(_text(one.get("url")))) is not None
    ]
    enough = [one for one in told if one[1] >= width]
    if enough:
        return min(enough, key=lambda one: one[1])[0]
    return told[-1][0] if told else None


def format_of(found: Mapping[str, Any]) -> Format | None:
    """Return a format as it could be wished for, or None if it is neither sound nor picture."""
    vcodec, acodec = _text(found.get("vcodec")), _text(found.get("acodec"))
    if vcodec == acodec == "none":
        # A sheet of small pictures, for a player's time line.
        return None
    return Format(
        format_id=str(found.get("format_id")),
        ext=_text(found.get("ext")),
        width=_count(found.get("width")),
        height=_count(found.get("height")),
        fps=_number(found.get("fps")),
        vcodec=vcodec,
        acodec=acodec,
        filesize=_count(found.get("filesize") or found.get("filesize_approx")),
        tbr=_number(found.get("tbr")),
        language=_text(found.get("language")),
        note=_text(found.get("format_note")),
    )


def _entries(found: Mapping[str, Any], url: str, max_entries: int) -> Iterator[Entry]:
    told = list(_items(found.get("entries")))
    pages = Counter(_key(_text(one.get("webpage_url"))) for one in told if _is_resolved(one))
    # What several share says nothing of any of them, nor does the address of the list.
    shared = {key for key, times in pages.items() if times > 1}
    shared |= {_key(url), _key(_text(found.get("webpage_url")))}
    # An entry without an address shares none.
    shared.discard(None)
    named = (_entry(one, url, shared) for one in told)
    sound = (one for one in named if clean_entry(one) is not None)
    yield from (one for one, _ in zip(sound, range(max_entries), strict=False))


def _entry(found: Mapping[str, Any], url: str, shared: set[str | None]) -> Entry:
    # One that was resolved has formats, and its ``url`` may be that of a file of the site.
    named = _text(found.get("webpage_url" if _is_resolved(found) else "url")) or ""
    address, smuggled, _ = named.partition(_SMUGGLED)
    name = _text(found.get(lists.ID))
    if smuggled and name is not None:
        # The site's page says more of it than its address does.
        is_inside = True
    elif plain_url(address) is None:
        # Some extractors know their videos by something else, which only they understand.
        is_inside = _is_resolved(found) or isinstance(found.get("ie_key"), str)
    else:
        is_inside = _key(address) in shared
    return Entry(
        url=url if is_inside else address,
        title=str(found.get("title") or ""),
        duration_s=_number(found.get("duration")),
        index=_count(found.get(lists.INDEX)) or 0,
        id=name,
        is_inside=is_inside,
    )


def _is_resolved(entry: Mapping[str, Any]) -> bool:
    return "formats" in entry or "entries" in entry


def _key(url: str | None) -> str | None:
    try:
        return None if url is None else address_key(check_url(url))
    except InvalidUrlError:
        return None


def _items(value: object) -> Iterable[Mapping[str, Any]]:
    if not isinstance(value, Iterable) or isinstance(value, str):
        return ()
    return (
        cast("Mapping[str, Any]", one)
        for one in cast("Iterable[object]", value)
        if isinstance(one, Mapping)
    )


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None


def _number(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) else None


def _count(value: object) -> int | None:
    return int(value) if isinstance(value, int | float) and abs(value) < float("inf") else None
