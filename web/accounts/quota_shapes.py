"""The shapes of quotas."""

from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, Field

from domain.quotas import MAX_AMOUNT, Quota
from web.fields import Asked

Used = Annotated[int, Field(ge=0)]
OwnLimit = Annotated[int, Field(ge=0, le=MAX_AMOUNT)] | None


class DailyShown(BaseModel):
    """Downloads begun within the day, retries too; what was cancelled or failed still counts."""

    limit: Used
    used: Used
    resets_at: datetime


class ArchiveShown(BaseModel):
    """Bytes kept in the archive, and bytes set aside for what is queued or running."""

    limit: Used
    used: Used
    reserved: Used


class ActiveShown(BaseModel):
    """Downloads queued or running."""

    limit: Used
    used: Used


class QuotaShown(BaseModel):
    """What a user may use and uses; ``used`` passes ``limit`` only where that was lowered."""

    daily_downloads: DailyShown
    archive_bytes: ArchiveShown
    active_downloads: ActiveShown


class QuotaChangeAsked(Asked):
    """Limits of one user; null is what the settings say, what is not given stays."""

    daily_downloads: OwnLimit = None
    archive_bytes: OwnLimit = None
    active_downloads: OwnLimit = None

    @property
    def limits(self) -> dict[Quota, int | None]:
        """Return those that were given."""
        return {Quota(name): getattr(self, name) for name in self.model_fields_set}
