"""What a user wished, as the columns of a row and back."""

from domain.entries import decode_entry, encode_entry
from domain.requests import Container, Quality, Wish, site_of
from storage.db import Row


def columns_of(wish: Wish) -> dict[str, str | None]:
    """Return the columns that hold a wish."""
    return {
        "url": wish.url,
        "site": site_of(wish.url),
        "quality": wish.quality.value,
        "format_id": wish.format_id,
        "container": wish.container and wish.container.value,
        "subtitles": ",".join(wish.subtitles),
        "entry": wish.entry and encode_entry(wish.entry),
        "list_title": wish.title,
    }


def wish_of(row: Row) -> Wish:
    """Return the wish that a row holds."""
    container, languages, entry = row["container"], row["subtitles"], row["entry"]
    return Wish(
        url=row["url"],
        quality=Quality(row["quality"]),
        format_id=row["format_id"],
        container=None if container is None else Container(container),
        subtitles=tuple(languages.split(",")) if languages else (),
        entry=None if entry is None else decode_entry(entry),
        title=row["list_title"],
    )
