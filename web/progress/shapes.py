"""The shapes of progress that is asked for."""

from typing import Annotated

from pydantic import BaseModel, Field

from domain.states import Mode, Stage
from web.progress.messages import Bytes, Figure
from web.shapes import WaitingShown


class ProgressEntry(BaseModel):
    """How far a download is; null is what is not known."""

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
    """Everything that is queued or running; ``seq`` is as of the socket, for its ``since``."""

    seq: Annotated[int, Field(ge=0)]
    downloads: list[ProgressEntry]
