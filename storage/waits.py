"""The waits: why downloads that are queued have not started."""

from collections.abc import Collection

from domain.states import Status
from domain.waiting import Waiting, WaitReason
from storage.db import Db, Row
from storage.limits import Turns


class Waits:
    """Reads from rows and limits what the fair order would say."""

    def __init__(self, db: Db, turns: Turns) -> None:
        self._db = db
        self._turns = turns

    async def of(self, rows: Collection[Row]) -> dict[int, Waiting]:
        """Return what each of these rows waits for; those that wait for nothing are left out."""
        ids = [row["history_id"] for row in rows if Status(row["status"]).is_active]
        if not ids:
            return {}
        turns = self._turns
        found = await self._db.all(
            "downloads_waits",
            history_ids=ids,
            share=turns.share,
            per_user=turns.per_user,
            per_site=turns.per_site,
            site_starts=turns.site_starts,
            provider=turns.provider,
            provider_starts=turns.provider_starts,
        )
        return {
            row["history_id"]: Waiting(reason=WaitReason(row["reason"]), until=row["until"])
            for row in found
        }
