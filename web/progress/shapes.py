"""The shapes of the progress snapshot that clients poll."""

from typing import Annotated

from pydantic import BaseModel, Field

from domain.states import Mode, Stage
from web.progress.messages import Bytes, Figure
from web.shapes import WaitingShown


class ProgressEntry(BaseModel):
    """How far a download is; what is not known is null."""

    history_id: int
    url: str
    title: str | None
    mode: Mode
    status: str
    status_code: Annotated[int, Field(ge=4, le=5)]
    stage: Stage
    attempt: Annotated[int, Field(ge=0)]
    percent: Annotated[float, Field(ge=0, le=100)] | None
    downloaded_bytes: Bytes | None
    total_bytes: Bytes | None
    speed_bps: Figure | None
    eta_s: Figure | None
    waiting: WaitingShown | None


class ProgressSnapshot(BaseModel):
    """Everything that is queued or running; the socket takes ``seq`` as its ``since``."""

    seq: Annotated[int, Field(ge=0)]
    downloads: list[ProgressEntry]
