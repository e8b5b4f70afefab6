"""A user's numbers: downloads by status, bytes kept and delivered."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from domain.states import Status
from storage.db import Db


@dataclass(frozen=True, slots=True, kw_only=True)
class UserStats:
    """What a user has.

    Attributes:
        since: When the account was made.
        downloads: Of each status how many, without those whose record was deleted.
        bytes_kept: Of the files that are there now.
        bytes_delivered: Of all transfers ever, those of deleted files too.
    """

    since: datetime
    downloads: Mapping[Status, int]
    bytes_kept: int
    bytes_delivered: int
    transfers: int


async def stats_of(db: Db, user_id: int) -> UserStats | None:
    """Return a user's numbers, or None if there is no such account.

    All rows of the user are counted: about a tenth of a second for a million.
    """
    totals = await db.one("stats_bytes", user_id=user_id)
    if totals is None:
        return None
    counted = await db.all("stats_downloads", user_id=user_id)
    by_status = {row["status"]: row["number"] for row in counted}
    return UserStats(downloads={status: by_status.get(status, 0) for status in Status}, **totals)
