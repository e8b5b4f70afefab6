"""The shapes of batches."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator

from web.shapes import Address, DownloadShown, FailureShown, WishAsked


class BatchAsked(WishAsked):
    """Videos to be fetched, all in the same form: addresses, or all that a playlist names."""

    model_config = ConfigDict(
        json_schema_extra={"oneOf": [{"required": ["urls"]}, {"required": ["playlist_url"]}]}
    )

    urls: Annotated[list[Address], Field(min_length=1)] | None = None
    playlist_url: Annotated[
        Address | None,
        Field(
            description="Looked at as by `/parse` first; a single video is a batch of one.",
            validate_default=True,
        ),
    ] = None

    @field_validator("playlist_url")
    @classmethod
    def _check_source(cls, playlist_url: str | None, fields: ValidationInfo) -> str | None:
        if "urls" in fields.data and (playlist_url is None) == (fields.data["urls"] is None):
            message = "either this or urls must be given"
            raise ValueError(message)
        return playlist_url


class WishRefused(BaseModel):
    """An address that is not downloaded, and why."""

    url: str
    error: FailureShown


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
