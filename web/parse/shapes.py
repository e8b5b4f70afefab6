"""The shapes of a parse: what is asked of an address, and what is said of it."""

from typing import Annotated

from pydantic import BaseModel, Field

from web.fields import Address, Asked
from web.shapes import EntryNamed

_Natural = Annotated[int, Field(ge=0)]
_Positive = Annotated[float, Field(ge=0)]


class ParseAsked(Asked):
    """An address to look at, without fetching anything from it."""

    url: Address
    refresh: Annotated[bool, Field(description="Look again, whatever is kept.")] = False


class FormatShown(BaseModel):
    """One form in which a site offers a video; null is what it did not say.

    ``vcodec`` is ``none`` for sound alone, ``acodec`` for a picture alone; ``tbr`` are kilobits a
    second, ``filesize`` bytes, often estimated. ``rung`` is the name of the size, 1080 for 1080p,
    by which ``quality`` goes; ``language`` is that of the sound. Each ``format_id`` can be given
    to a download, that of a picture with that of a sound, joined by ``+``.
    """

    format_id: str
    ext: str | None
    width: _Natural | None
    height: _Natural | None
    rung: _Natural | None
    fps: _Positive | None
    vcodec: str | None
    acodec: str | None
    filesize: _Natural | None
    tbr: _Positive | None
    language: str | None
    note: str | None


class EntryShown(BaseModel):
    """One video of a playlist; submit its ``url`` and, if present, its ``entry``.

    ``index`` is its position in the list, from 1; ``id`` is the site's own name for it.
    """

    index: _Natural
    id: Annotated[str | None, Field(exclude_if=lambda value: value is None)] = None
    title: str
    url: str
    duration_s: _Positive | None
    entry: Annotated[
        EntryNamed | None,
        Field(
            description="To be submitted with ``url``, which is then the address of the list.",
            exclude_if=lambda value: value is None,
        ),
    ] = None


class ParsedShown(BaseModel):
    """What a site says of an address: a video with its formats, the best last, or a playlist.

    ``entries`` and ``truncated`` are there for a playlist only, ``formats`` is then empty;
    ``thumbnail_preview`` only if there was a picture that could be made small in time. Source: the
    contract, section 3.
    """

    title: str
    extractor: str
    duration_s: _Positive | None
    thumbnail: Annotated[str | None, Field(description="The picture's address at the site.")]
    uploader: str | None
    webpage_url: str | None
    live: Annotated[bool, Field(description="On air or about to be: it cannot be fetched yet.")]
    formats: list[FormatShown]
    entries: Annotated[
        list[EntryShown] | None, Field(exclude_if=lambda entries: entries is None)
    ] = None
    truncated: Annotated[
        bool | None,
        Field(
            description="Whether the playlist has more entries than are told.",
            exclude_if=lambda truncated: truncated is None,
        ),
    ] = None
    thumbnail_preview: Annotated[
        str | None,
        Field(
            description="The picture itself, a JPEG of at most 320 by 180 pixels and 24 KiB.",
            pattern=r"^data:image/jpeg;base64,[A-Za-z0-9+/]+={0,2}$",
            exclude_if=lambda preview: preview is None,
        ),
    ] = None
