"""What is due: whose turn it is, what was lost on the way, what has expired."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from domain.download import Download
from domain.states import Stage
from storage.db import Db
from storage.downloads import NODE_SILENT, Turns, as_download

PATIENCE = timedelta(seconds=20)
"""A stage that is due but held by nobody for so long has lost its message."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpiredAsset:
    """A quick download past its time, with the ids that its path is made of."""

    history_id: int
    user_id: int
    asset_uuid: UUID
    created_at: datetime


class Due:
    """Finds downloads of this node, or of nobody, that somebody must see to."""

    def __init__(self, db: Db, *, node: str) -> None:
        self._db = db
        self._node = node

    async def next_turns(self, turns: Turns) -> list[int]:
        """Return the ids that may start on this node now, in the fair order."""
        rows = await self._db.all(
            "downloads_next_turns", node=self._node, slots=turns.slots, per_user=turns.per_user
        )
        return [row["history_id"] for row in rows]

    async def take_back(self) -> list[Download]:
        """Queue again what a dead worker or a silent node held, and return it."""
        rows = await self._db.all(
            "downloads_take_back", node=self._node, silent_s=NODE_SILENT.total_seconds()
        )
        return [as_download(row) for row in rows]

    async def end_cancel_wishes(self) -> list[Download]:
        """Cancel what was wished cancelled while its holder died, and return it."""
        return [as_download(row) for row in await self._db.all("downloads_end_cancel_wishes")]

    async def unheard(self, patience: timedelta = PATIENCE) -> list[tuple[int, Stage]]:
        """Return the stages of this node whose wake-up was lost, marking them woken now."""
        rows = await self._db.all(
            "downloads_unheard", node=self._node, patience_s=patience.total_seconds()
        )
        return [(row["history_id"], Stage(row["stage"])) for row in rows]

    async def drop_claims(self) -> int:
        """Free every claim of this node; only when none of its workers can be alive."""
        return len(await self._db.all("downloads_drop_claims", node=self._node))

    async def running_attempt(self, history_id: int) -> int | None:
        """Return which attempt of a download runs on this node, or None if none does."""
        row = await self._db.one("downloads_claim_live", history_id=history_id, node=self._node)
        return None if row is None else int(row["attempts"])

    async def expired(self, limit: int) -> list[ExpiredAsset]:
        """Return quick downloads of this node past their time, the oldest first."""
        rows = await self._db.all("downloads_expired", node=self._node, limit=limit)
        return [ExpiredAsset(**row) for row in rows]

    async def set_expired(self, history_ids: Sequence[int]) -> list[Download]:
        """Write ``expired``, after the files are gone; return what was moved."""
        rows = await self._db.all("downloads_set_expired", history_ids=list(history_ids))
        return [as_download(row) for row in rows]
