"""What is due: whose turn it is, what was lost on the way, what has expired."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from domain.download import Download
from domain.policy import is_given_up, trial_delay
from domain.states import Mode, Stage
from storage.claimed import as_download
from storage.db import Db, Row
from storage.limits import Turns
from storage.nodes import NODE_SILENT

PATIENCE = timedelta(seconds=20)
"""A stage that is due but held by nobody for so long has lost its message."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AssetIds:
    """The ids that the path of an asset is made of."""

    history_id: int
    user_id: int
    mode: Mode
    asset_uuid: UUID
    created_at: datetime


class Due:
    """Finds downloads of this node, or of nobody, that somebody must see to."""

    def __init__(self, db: Db, *, node: str) -> None:
        self._db = db
        self._node = node

    async def next_turns(self, turns: Turns) -> list[int]:
        """Return the ids that may start on this node now, in the fair order."""
        rows = await self._db.all("downloads_next_turns", node=self._node, **turns.values)
        return [row["history_id"] for row in rows]

    async def free_twins(self, turns: Turns) -> None:
        """Give turns again to what is behind no twin any more, though nobody told it."""
        values = {name: turns.values[name] for name in ("share", "silent_s")}
        await self._db.all("twins_free", node=self._node, **values)

    async def waiting(self) -> tuple[int, float]:
        """Return how many downloads are queued, and for how many seconds the oldest is due."""
        row = await self._db.one("downloads_waiting")
        return (0, 0.0) if row is None else (row["number"], row["oldest_s"])

    async def active(self) -> Sequence[Row]:
        """Return the ``number`` that runs by stage and node, and how many nobody holds."""
        return await self._db.all("downloads_active")

    async def ran_out(self) -> list[tuple[int, int]]:
        """Return the (history_id, attempt) of this node's fetches whose holder died."""
        rows = await self._db.all("downloads_ran_out", node=self._node)
        return [(row["history_id"], row["attempts"]) for row in rows]

    async def lapsed_holders(self) -> list[str]:
        """Return whose claims of this node's downloads ran out; some of them may live."""
        rows = await self._db.all("downloads_lapsed_holders", node=self._node)
        return [row["holder"] or "" for row in rows]

    async def take_back(
        self, keep: Sequence[int] = (), *, alive: Sequence[str] = ()
    ) -> list[Download]:
        """Free what a dead worker or a silent node held, and return it: 500 at most.

        What is fetched stays at its stage, anything else is queued again. Each has had a crash,
        and is a suspect from now on, unless its holder lives.

        Args:
            keep: Their fetch is complete, so they stay at its stage, too.
            alive: Holders whose claims may have run out although they live.
        """
        return await self._take_back(keep, alive=list(alive))

    async def bury(
        self, *holders: str, keep: Sequence[int] = (), is_alone: bool = False
    ) -> list[Download]:
        """Do as ``take_back``, at once, with what holders of this node held whose death was seen.

        Args:
            is_alone: Each held nothing but one download, so that it was this one's doing.
        """
        return await self._take_back(keep, dead=list(holders), is_alone=is_alone)

    async def release(self, holder: str, keep: Sequence[int] = ()) -> list[Download]:
        """Do as ``bury`` for a holder of this node that ended well: nothing has had a crash."""
        return await self._take_back(keep, alive=[holder], dead=[holder])

    async def _take_back(
        self,
        keep: Sequence[int],
        *,
        alive: Sequence[str] = (),
        dead: Sequence[str] | None = None,
        is_alone: bool = False,
    ) -> list[Download]:
        rows = await self._db.all(
            "downloads_take_back",
            node=self._node,
            silent_s=NODE_SILENT.total_seconds(),
            keep=list(keep),
            alive=alive,
            dead=dead,
            is_alone=is_alone,
        )
        return [as_download(row) for row in rows]

    async def suspects(self) -> list[tuple[int, Stage]]:
        """Return the due stages of downloads that are to be tried alone on this node by now."""
        rows = await self._db.all("downloads_suspects", node=self._node)
        return [
            (row["history_id"], Stage(row["stage"]))
            for row in rows
            if timedelta(seconds=row["waited_s"]) >= trial_delay(row["crashes"])
            or is_given_up(crashes=row["crashes"], lone_crashes=row["lone_crashes"])
        ]

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
        """Free every claim of this node; only when none of its workers can be alive.

        What was claimed has had a crash, as in ``take_back``: it may be what ended them all.
        """
        return len(await self._db.all("downloads_drop_claims", node=self._node))

    async def running_attempt(self, history_id: int) -> int | None:
        """Return which attempt of a download runs on this node, or None if none does."""
        row = await self._db.one("downloads_claim_live", history_id=history_id, node=self._node)
        return None if row is None else int(row["attempts"])

    async def expired(self, limit: int, *, after: int = 0) -> list[AssetIds]:
        """Return quick downloads of this node past their time, by their ids above ``after``."""
        rows = await self._db.all("downloads_expired", node=self._node, limit=limit, after=after)
        return [_asset(row) for row in rows]

    async def to_remove(self, limit: int, *, after: int = 0) -> list[AssetIds]:
        """Return finished downloads of this node that their owners deleted, by their ids."""
        rows = await self._db.all("downloads_to_remove", node=self._node, limit=limit, after=after)
        return [_asset(row) for row in rows]

    async def set_removed(self, history_ids: Sequence[int]) -> None:
        """Write that the files of deleted records are gone."""
        await self._db.all("downloads_set_removed", history_ids=list(history_ids))

    async def named(self, history_ids: Sequence[int]) -> list[AssetIds]:
        """Return which of these downloads have, or may still get, a file on this node."""
        rows = await self._db.all("downloads_named", node=self._node, history_ids=list(history_ids))
        return [_asset(row) for row in rows]

    async def running(self, history_ids: Sequence[int]) -> set[int]:
        """Return which of these downloads run, on whatever node."""
        rows = await self._db.all("downloads_running", history_ids=list(history_ids))
        return {row["history_id"] for row in rows}

    async def set_expired(self, history_ids: Sequence[int]) -> list[Download]:
        """Write ``expired``, after the files are gone; return what was moved."""
        rows = await self._db.all("downloads_set_expired", history_ids=list(history_ids))
        return [as_download(row) for row in rows]


def _asset(row: Row) -> AssetIds:
    return AssetIds(
        history_id=row["history_id"],
        user_id=row["user_id"],
        mode=Mode(row["mode"]),
        asset_uuid=row["asset_uuid"],
        created_at=row["created_at"],
    )
