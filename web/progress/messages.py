"""The messages of the socket, judged before they go out: anything may stand in Redis."""

import json
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from domain.states import Stage, Status
from web.fields import MAX_ID

Figure = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Bytes = Annotated[int, Field(ge=0)]


class _Message(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)

    history_id: Annotated[int, Field(ge=1, le=MAX_ID)]
    status: Literal[
        "failed", "completed", "expired", "pending_cleanup", "queued", "running", "cancelled"
    ]
    status_code: Status
    stage: Stage
    attempt: Annotated[int, Field(ge=0)]


class StateTold(_Message):
    """A download moved."""

    type: Literal["state"]


class ProgressTold(_Message):
    """A fetch got further; null means unknown."""

    type: Literal["progress"]
    percent: Annotated[float, Field(ge=0, le=100, allow_inf_nan=False)] | None = None
    downloaded_bytes: Bytes | None = None
    total_bytes: Bytes | None = None
    speed_bps: Figure | None = None
    eta_s: Figure | None = None


_TOLD: TypeAdapter[StateTold | ProgressTold] = TypeAdapter(
    Annotated[StateTold | ProgressTold, Field(discriminator="type")]
)


def checked(message: dict[str, Any]) -> dict[str, Any] | None:
    """Return the known fields of a message, or None if somebody else wrote it."""
    try:
        return _TOLD.validate_python(message).model_dump(mode="json")
    except ValidationError:
        return None


def text_of(message: dict[str, Any], seq: int) -> str:
    """Return a message as it is sent: ASCII alone, so that no title can break a client's line."""
    return json.dumps({"type": message["type"], "seq": seq} | message)
