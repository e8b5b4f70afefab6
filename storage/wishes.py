"""What a user wished, as the columns of a row and back."""

from domain.entries import decode_entry, encode_entry
from domain.requests import Container, Live, Quality, Wish, site_of
from storage.db import Row

MAX_FIRST_FORMAT_ID = 64
"""Characters of the column that older versions read."""

FORM = (
    *("quality", "format_id", "format_ids"),
    *("container", "audio_bitrate_kbps", "subtitles", "live"),
)
"""The columns of all that is wished but the address."""


def columns_of(wish: Wish) -> dict[str, str | int | None]:
    """Return the columns that hold a wish."""
    return {
        "url": wish.url,
        "site": site_of(wish.url),
        "quality": wish.quality.value,
        "format_id": wish.format_id and wish.format_id[:MAX_FIRST_FORMAT_ID],
        "format_ids": wish.format_id,
        "container": wish.container and wish.container.value,
        "audio_bitrate_kbps": wish.audio_bitrate_kbps,
        "subtitles": ",".join(wish.subtitles),
        "entry": wish.entry and encode_entry(wish.entry),
        "list_title": wish.title,
        "live": wish.live and wish.live.value,
    }


def wish_of(row: Row) -> Wish:
    """Return the wish that a row holds."""
    container, languages, entry = row["container"], row["subtitles"], row["entry"]
    live = row["live"]
    return Wish(
        url=row["url"],
        quality=Quality(row["quality"]),
        format_id=row["format_ids"] or row["format_id"],
        container=None if container is None else Container(container),
        audio_bitrate_kbps=row["audio_bitrate_kbps"],
        subtitles=tuple(languages.split(",")) if languages else (),
        entry=None if entry is None else decode_entry(entry),
        title=row["list_title"],
        live=None if live is None else Live(live),
    )
