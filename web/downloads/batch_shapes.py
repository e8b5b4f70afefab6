"""The shapes of batches."""

from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from web.fields import Address, Given
from web.shapes import DownloadShown, EntryAsked, EntryWished, FailureShown, WishAsked

# Not as an Address: a wrong one is accepted here, and told in its place.
Wished = Annotated[str, Field(description="One that cannot be downloaded is told in its place.")]


class VideoWished(EntryWished):
    """An address of a batch, with the ``entry`` that `/parse` gives for one of its videos."""

    url: Wished


class BatchAsked(WishAsked):
    """Videos to be fetched, all in the same form: addresses, or all that a playlist names."""

    model_config = ConfigDict(
        json_schema_extra={"oneOf": [{"required": ["urls"]}, {"required": ["playlist_url"]}]}
    )

    urls: Given[Annotated[list[Wished | VideoWished], Field(min_length=1)]] = None
    playlist_url: Given[
        Annotated[
            Address,
            Field(description="Looked at as by `/parse` first; a single video is a batch of one."),
        ]
    ] = None

    @model_validator(mode="after")
    def _check_source(self) -> Self:
        if (self.urls is None) == (self.playlist_url is None):
            message = "either urls or playlist_url must be given"
            raise ValueError(message)
        return self


class WishRefused(BaseModel):
    """An address that is not downloaded, and why."""

    url: str
    error: FailureShown
    entry: EntryAsked | None = None


class BatchSubmitted(BaseModel):
    """What became of each address, in the order given; no batch if none was accepted."""

    batch_id: int | None
    downloads: list[DownloadShown | WishRefused]
    truncated: Annotated[
        bool, Field(description="Whether the playlist has more entries than a batch may.")
    ] = False


class BatchMember(BaseModel):
    """How far a download of a batch is; ``percent`` is null where that is not known."""

    history_id: int
    status: str
    status_code: Annotated[int, Field(ge=0, le=6)]
    percent: Annotated[float, Field(ge=0, le=100)] | None


class BatchShown(BaseModel):
    """A batch, without what its owner deleted; ``counts`` has the statuses that occur."""

    batch_id: int
    total: int
    counts: dict[str, int]
    downloads: list[BatchMember]
