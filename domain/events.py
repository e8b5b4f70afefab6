"""What is told to those who watch a download."""

from dataclasses import dataclass

from domain.download import Progress
from domain.states import Stage, Status


@dataclass(frozen=True, slots=True, kw_only=True)
class StateEvent:
    """A download moved to another status or stage."""

    history_id: int
    user_id: int
    status: Status
    stage: Stage
    attempt: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ProgressEvent:
    """A running fetch got further."""

    history_id: int
    user_id: int
    stage: Stage
    attempt: int
    progress: Progress


Event = StateEvent | ProgressEvent
