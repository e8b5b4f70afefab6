"""The shapes of what administrators see of the proxies."""

from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, Field


class ProxyOutcomeShown(BaseModel):
    """How often an acquisition of a proxy ended in one way: ``acquired``, or why not."""

    provider: str
    outcome: str
    number: Annotated[int, Field(ge=0)]
    seconds: Annotated[float, Field(ge=0, description="Of all of them together.")]
    cost: Annotated[float, Field(ge=0)]


class ExitShown(BaseModel):
    """How well a proxy has worked; ``cooling_until`` is null if it may be used."""

    exit_name: str
    successes: int
    failures: int
    score: Annotated[float, Field(ge=0, le=1)]
    running: Annotated[int, Field(ge=0, description="Downloads that go through it now.")]
    used_at: datetime
    cooling_until: datetime | None


class ProxiesShown(BaseModel):
    """The providers of proxies and their exits, those used last first."""

    provider: str
    acquisitions: int
    failures: int
    cost: float
    outcomes: list[ProxyOutcomeShown]
    exits: list[ExitShown]
