"""A node that lives by the clock of a test, and the holders of its claims."""

import asyncio
import hashlib
from collections.abc import Callable, Coroutine, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

from domain.download import Digest, Download, FetchedMedia
from domain.failures import SourceGoneError, SourceTroubleError
from domain.states import LEGAL_MOVES, Mode, Stage, Status
from storage.claimed import as_download
from storage.db import Db, Row
from storage.downloads import Asset, Downloads, Turns
from storage.due import Due
from storage.files import Files
from storage.twins import Twins, link_asset

QUICK_TTL: Final = timedelta(hours=24)
TROUBLE: Final = SourceTroubleError()
DELAY: Final = timedelta(seconds=90)
_SITE: Final[dict[str, Any]] = dict.fromkeys(("webpage_url", "thumbnail", "duration_s"))
MEDIA: Final = FetchedMedia(
    path=Path(), size_bytes=32, extension="mp4", title="v", extractor="generic", **_SITE
)
Ending = Callable[[Downloads, Download], Coroutine[Any, Any, bool]]
# Each write that ends a claim, but for success; a wish to cancel must stop those that hand on.
HANDS_ON: Final[Mapping[str, Ending]] = {
    "stop": lambda rows, claim: rows.put_back(claim, error=None, delay=timedelta(0)),
    "put_back": lambda rows, claim: rows.put_back(claim, error=TROUBLE, delay=DELAY),
    "repeat_stage": lambda rows, claim: rows.repeat_stage(claim, error=TROUBLE, delay=DELAY),
}
ENDINGS: Final[Mapping[str, Ending]] = {
    **HANDS_ON,
    "let_go": lambda rows, claim: rows.let_go(claim),
    "fail": lambda rows, claim: rows.fail(claim, SourceGoneError()),
    "end_cancelled": lambda rows, claim: rows.end_cancelled(claim),
}


@dataclass(slots=True, kw_only=True)
class Holder:
    """Who believes that a download is his, rightly or not, until he ends or is refused."""

    claim: Download
    node: "ClockedNode"
    lives: bool = True

    def owns(self, row: Row) -> bool:
        """Return whether nobody took the download over since."""
        return row["status"] == Status.RUNNING and row["epoch"] == self.claim.epoch

    def holds(self, row: Row, now: datetime) -> bool:
        """Return whether the claim has not run out either."""
        until = row["claim_until"]
        return self.owns(row) and until is not None and until > now

    def check_claim(self, before: Row, now: datetime) -> None:
        """Assert that the row, as it was before, could be claimed so."""
        first = self.claim.stage is Stage.ACQUIRE_PROXY
        assert before["status"] in ((Status.QUEUED, Status.RUNNING) if first else (Status.RUNNING,))
        assert before["storage_node"] in (None, self.node.name)
        assert before["cancel_wish_at"] is None
        assert before["not_before"] is None or before["not_before"] <= now
        assert (self.claim.stage, self.claim.epoch) == (before["stage"], before["epoch"] + 1)
        assert self.claim.attempt == before["attempts"] + (first and not before["continues"])
        # Only a sweep frees what a dead holder held: it alone says whether that is a crash.
        assert before["claim_until"] is None
        assert self.claim.crashes == before["crashes"]


class _DeathError(Exception):
    """The holder died here; rolls back what was not committed."""


class ClockedNode:
    """A node that does each stage as the actors do, on small files of its own making."""

    def __init__(self, db: Db, root: Path, name: str) -> None:
        self._db = db
        self.name = name
        self.downloads = Downloads(db, node=name)
        self.due = Due(db, node=name)
        self._twins = Twins(db)
        self.files = Files(root / name, node=name)
        self.files.prepare_root()

    async def deliver(
        self, history_id: int, stage: Stage, turns: Turns, *, times: int = 1
    ) -> list[Holder]:
        """Deliver a wake-up so often, at the same time; return who got the download.

        A suspect comes to its node by itself, which is as good as a wake-up.
        """
        claims = await asyncio.gather(
            *(
                self.downloads.claim(
                    history_id, stage, holder=self.name, turns=turns, on_trial=on_trial
                )
                for on_trial in (False, True)
                for _ in range(times)
            )
        )
        return [Holder(claim=claim, node=self) for claim in claims if claim]

    async def work(self, claim: Download, *, dies: bool = False) -> bool:
        """Do the claimed stage; return whether the row took what came of it.

        Args:
            dies: End just before the row would be told, with the files as they are then.
        """
        following = claim.stage.following
        if following is None:
            return await self._record(claim, dies=dies)
        if claim.linked_from is not None and claim.stage is Stage.ACQUIRE_PROXY:
            await self._link(claim, claim.linked_from)
        outcome = self._outcome(claim)
        return not dies and await self.downloads.pass_on(claim, following, outcome=outcome)

    async def sweep(self, turns: Turns) -> list[tuple[int, Stage]]:
        """Do what the actors' sweep does with the rows; return the wake-ups that it sends."""
        await self.due.take_back()
        await self.due.end_cancel_wishes()
        await self.due.free_twins(turns)
        turns_now = await self.due.next_turns(turns)
        lost = [*await self.due.unheard(), *await self.due.suspects()]
        return [*lost, *((n, Stage.ACQUIRE_PROXY) for n in turns_now)]

    async def expire(self, early: Sequence[int], *, dies: bool) -> None:
        """Delete what is past its time, which ``early`` is not; if it dies, tell no row."""
        assert await self.due.set_expired(early) == []
        found = await self.due.expired(99)
        for asset in found:
            self.files.delete(self.files.path_of(asset))
        ids = [asset.history_id for asset in found]
        assert not {*early} & {*ids}
        if not dies:
            assert len(await self.due.set_expired(ids)) == len(ids)

    def check_file(self, row: Row, now: datetime) -> None:
        """Assert that the file of a finished row is as the row says, or rightly gone."""
        path = self.files.path_of(as_download(row))
        past = row["mode"] == Mode.QUICK and row["expire_at"] <= now
        if row["status"] == Status.EXPIRED:
            assert past
            assert not path.exists()
        elif not past or path.exists():
            ttl = QUICK_TTL if row["mode"] == Mode.QUICK else None
            assert row["expire_at"] == (ttl and row["finished_at"] + ttl)
            assert row["file_path"] == str(path)
            assert path.stat().st_size == row["file_size"]
            assert _md5(path.read_bytes()) == row["file_hash"]

    def _outcome(self, claim: Download) -> FetchedMedia | Digest | None:
        match claim.stage:
            case Stage.FETCH:
                staged = self._staged(claim)
                # As the actor: a fetch that is complete, by its manifest, is not begun again.
                if not staged.exists():
                    self.files.fresh_staging(claim.history_id, claim.attempt)
                    # Of one size, so that only the digest tells one fetch from another.
                    staged.write_text(f"{claim.history_id}.{claim.epoch}".ljust(32))
                return replace(MEDIA, path=staged)
            case Stage.CHECKSUM:
                staged = self._staged(claim)
                content = staged.read_bytes() if staged.exists() else b"gone"
                return Digest(md5=_md5(content), size_bytes=len(content))
            case _:
                return None

    async def _link(self, claim: Download, twin_id: int) -> None:
        """Link the twin's file; if it is gone the fetch that follows makes one."""
        self.files.fresh_staging(claim.history_id, claim.attempt)
        if (twin := await self._twins.kept(twin_id)) is not None:
            link_asset(self.files, twin.asset, self._staged(claim))

    async def _record(self, claim: Download, *, dies: bool) -> bool:
        final, digest = self.files.path_of(claim), claim.digest
        assert digest is not None
        with suppress(_DeathError):
            async with self._db.transaction() as statements:
                if await self.downloads.hold(statements, claim):
                    staged, size = self._staged(claim), digest.size_bytes
                    inode = self.files.place(staged, final, size_bytes=size)
                    if dies:
                        raise _DeathError
                    asset = Asset(
                        file_path=str(final), file_name="v.mp4", inode=inode, digest=digest
                    )
                    await self.downloads.finish(statements, claim, asset, quick_ttl=QUICK_TTL)
                    return True
        return False

    def _staged(self, claim: Download) -> Path:
        return self.files.staging(claim.history_id, claim.attempt) / "media.mp4"


def check_path(moves: Sequence[Row], status: int) -> int:
    """Assert that these rows of ``transitions`` lead to a status; return how often it ended."""
    path = [Status(move["to_status"]) for move in moves]
    assert (path[0], path[-1]) == (Status.QUEUED, status)
    assert [move["from_status"] for move in moves] == [None, *path[:-1]]
    assert all(after in LEGAL_MOVES[before] for before, after in pairwise(path))
    return sum(not move.is_active and move is not Status.EXPIRED for move in path)


def _md5(content: bytes) -> str:
    """Return the digest as the row keeps it."""
    return hashlib.md5(content, usedforsecurity=False).hexdigest()
