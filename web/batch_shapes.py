"""The shapes of batches."""

from typing import Annotated

from pydantic import BaseModel, Field

from domain.requests import MAX_URL_LENGTH, Quality
from domain.states import Mode
from web.shapes import Asked, DownloadShown, FailureShown, WebhookAddress

# Longer ones are told in their place.
Address = Annotated[str, Field(json_schema_extra={"format": "uri", "maxLength": MAX_URL_LENGTH})]


class BatchAsked(Asked):
    """Videos to be fetched, all in the same form."""

    urls: Annotated[list[Address], Field(min_length=1)]
    mode: Mode
    quality: Quality = Quality.BEST
    audio_only: bool = False
    webhook: WebhookAddress = None


class WishRefused(BaseModel):
    """An address that is not downloaded, and why."""

    url: str
    error: FailureShown


class BatchSubmitted(BaseModel):
    """What became of each address, in the order given; no batch if none was accepted."""

    batch_id: int | None
    downloads: list[DownloadShown | WishRefused]


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
