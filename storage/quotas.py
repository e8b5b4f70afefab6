"""The quotas: what a user may use, what is used of it, and what is beyond it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from domain.download import Download
from domain.quotas import Allowance, Quota
from storage import audit
from storage.audit import Action
from storage.db import Db, Row, Statements

_AGAIN_ACTIVE = timedelta(minutes=1)
_AGAIN_ARCHIVE = timedelta(hours=1)


class QuotaError(Exception):
    """A user has no room for another download; nothing was written.

    Attributes:
        retry_after: When it is worth asking again: at the end of the day, or a guess.
    """

    def __init__(self, quota: Quota, *, limit: int, retry_after: timedelta) -> None:
        super().__init__(_REFUSALS[quota].format(limit=limit))
        self.quota = quota
        self.limit = limit
        self.retry_after = retry_after


_REFUSALS: Mapping[Quota, str] = {
    Quota.DAILY_DOWNLOADS: "You may begin {limit} downloads a day; the day ends at midnight UTC.",
    Quota.ARCHIVE_BYTES: "Your archive may hold {limit} bytes, and they are used or reserved.",
    Quota.ACTIVE_DOWNLOADS: "You may have {limit} downloads queued or running at once.",
}


def refusal_of(row: Row) -> QuotaError | None:
    """Return what a statement that takes quota had no room for, or None if it had."""
    if row["refused_by"] is None:
        return None
    quota = Quota(row["refused_by"])
    again = {
        Quota.DAILY_DOWNLOADS: timedelta(seconds=row["resets_in_s"]),
        Quota.ARCHIVE_BYTES: _AGAIN_ARCHIVE,
        Quota.ACTIVE_DOWNLOADS: _AGAIN_ACTIVE,
    }
    return QuotaError(quota, limit=row["refused_limit"], retry_after=again[quota])


@dataclass(frozen=True, slots=True, kw_only=True)
class Books:
    """A user's limits and what is used of them; the day's use is over at ``resets_at``."""

    daily_limit: int
    daily_used: int
    resets_at: datetime
    archive_limit: int
    archive_used: int
    archive_reserved: int
    active_limit: int
    active_used: int


class Quotas:
    """The rows of ``quotas`` and of ``archive_changes``, and what is counted beside them."""

    def __init__(self, db: Db, allowance: Allowance) -> None:
        self._db = db
        self._allowance = allowance

    async def of_user(self, user_id: int) -> Books:
        """Return what a user may use and uses."""
        row = await self._db.one("quotas_of_user", user_id=user_id, **self._allowance.limits)
        whole = {name: row[name] for name in Books.__slots__} if row else {}
        for name in ("archive_used", "archive_reserved"):
            whole[name] = int(whole[name])
        return Books(**whole)

    async def set(self, user_id: int, limits: Mapping[Quota, int | None]) -> bool:
        """Give a user limits of their own; None is what the settings say, others stay.

        Returns:
            False if there is no such user.
        """
        values = {
            "daily": limits.get(Quota.DAILY_DOWNLOADS),
            "sets_daily": Quota.DAILY_DOWNLOADS in limits,
            "archive": limits.get(Quota.ARCHIVE_BYTES),
            "sets_archive": Quota.ARCHIVE_BYTES in limits,
            "active": limits.get(Quota.ACTIVE_DOWNLOADS),
            "sets_active": Quota.ACTIVE_DOWNLOADS in limits,
        }
        return (
            await audit.change(self._db, Action.QUOTA, "quotas_set", user_id=user_id, **values)
            is not None
        )

    async def room_of(self, claim: Download) -> int:
        """Return how large a file for the archive may be: what is reserved, and what is left."""
        row = await self._db.one(
            "quotas_room",
            user_id=claim.user_id,
            history_id=claim.history_id,
            archive=self._allowance.archive_bytes,
        )
        return 0 if row is None else int(row["room_bytes"])

    async def fold(self) -> None:
        """Make one row of the changes of each user's archive; nothing if another does it now."""
        await self._db.all("quotas_fold")

    async def settle(self, claim: Download, size_bytes: int) -> bool:
        """Put a file's size in the place of what was reserved; False if there is no room for it.

        What was reserved always suffices for a file that is not larger.
        """
        row = await self._db.one(
            "quotas_settle",
            user_id=claim.user_id,
            history_id=claim.history_id,
            epoch=claim.epoch,
            size_bytes=size_bytes,
            archive=self._allowance.archive_bytes,
        )
        return row is None or bool(row["fits"])


async def lock(statements: Statements, user_id: int) -> None:
    """Keep everybody else from adding to a user's books until the transaction ends."""
    await statements.one("quotas_lock", user_id=user_id)
