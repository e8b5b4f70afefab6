"""The shapes of what administrators see at a glance."""

from datetime import date
from typing import Annotated

from pydantic import BaseModel, Field

from domain.states import Stage

Number = Annotated[int, Field(ge=0)]


class StageShown(BaseModel):
    """How many downloads are in a stage now."""

    stage: Stage
    running: Number


class DayShown(BaseModel):
    """How many downloads ended on a day in UTC; one that was tried again may have ended twice."""

    day: date
    completed: Number
    failed: Number
    cancelled: Number


class FailuresShown(BaseModel):
    """How many downloads failed with a code."""

    code: Annotated[str, Field(description="As of a download's error.")]
    number: Number


class SiteFailuresShown(BaseModel):
    """How many downloads of a site failed, by code too, the most frequent first."""

    site: str
    number: Number
    codes: list[FailuresShown]


class OverviewShown(BaseModel):
    """What waits and runs now, how the last days went, and what failed in the last seven.

    ``queued_oldest_s`` is for how long the download that is due for longest has been due. The days
    are fourteen, the oldest first; of the sites, the twenty with the most failures are told.
    """

    queued: Number
    queued_oldest_s: Annotated[float, Field(ge=0)]
    stages: list[StageShown]
    days: list[DayShown]
    failed_codes: list[FailuresShown]
    failed_sites: list[SiteFailuresShown]
