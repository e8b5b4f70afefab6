"""What a user may use: the quotas by name, and how much of each."""

from dataclasses import dataclass
from enum import StrEnum

from domain.states import Mode

MAX_AMOUNT = 10**15
"""The largest limit that can be laid: a petabyte, or as many downloads."""


class Quota(StrEnum):
    """What a user's share is measured in; the word in rows, settings and answers."""

    DAILY_DOWNLOADS = "daily_downloads"
    ARCHIVE_BYTES = "archive_bytes"
    ACTIVE_DOWNLOADS = "active_downloads"


@dataclass(frozen=True, slots=True, kw_only=True)
class Allowance:
    """What a user without limits of their own may use.

    Attributes:
        daily_downloads: Begun within a day, which ends at midnight UTC; a retry begins again.
        archive_bytes: Kept in the archive.
        active_downloads: Queued or running.
        reserve_bytes: Set aside in the archive for a file of unknown size; 1 or more.
    """

    daily_downloads: int = MAX_AMOUNT
    archive_bytes: int = MAX_AMOUNT
    active_downloads: int = MAX_AMOUNT
    reserve_bytes: int = 1

    @property
    def limits(self) -> dict[str, int]:
        """Return the limits as the statements take them."""
        return {
            "daily": self.daily_downloads,
            "archive": self.archive_bytes,
            "active": self.active_downloads,
        }

    def taking(self, mode: Mode) -> dict[str, int]:
        """Return the limits and what one download of this mode reserves."""
        return {"reserve": self.reserve_bytes if mode is Mode.ARCHIVE else 0, **self.limits}


UNBOUNDED = Allowance()
"""For what no user asked for."""
