"""The rows of download_history: claims, settlements and what a user sees."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from domain.download import Digest, Download, FetchedMedia, ProxyLease
from domain.failures import DownloadError, TransientError
from domain.names import title_of
from domain.policy import PROXY_ERRORS, TRIAL, is_our_fault
from domain.quotas import UNBOUNDED, Allowance
from domain.requests import Wish
from domain.states import Mode, Stage
from storage import audit
from storage.audit import Action
from storage.cancels import cancel_all
from storage.claimed import as_download
from storage.db import Db, Row, Statements
from storage.limits import Turns
from storage.quotas import lock, refusal_of
from storage.submissions import submit_all
from storage.warnings import as_json

CLAIM = timedelta(seconds=60)
"""How long a claim lasts unless it is renewed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asset:
    """A finished file as the row records it."""

    file_path: str
    file_name: str
    inode: int
    digest: Digest


class Downloads:
    """Reads and moves downloads; each write of a holder carries its epoch."""

    def __init__(self, db: Db, *, node: str, allowance: Allowance = UNBOUNDED) -> None:
        self._db = db
        self._node = node
        self._allowance = allowance

    async def submit(
        self, user_id: int, mode: Mode, wish: Wish, statements: Statements | None = None
    ) -> Row:
        """Insert a queued download and return its row; it is accepted once this returns.

        Args:
            statements: Of the transaction that it is a part of; None for one of its own.

        Raises:
            QuotaError: The user has no room for it.
        """
        if statements is None:
            async with self._db.transaction() as own:
                return await self.submit(user_id, mode, wish, own)
        made = await submit_all(statements, self._allowance, user_id, mode, [wish], is_batch=False)
        if made.refusal is not None:
            raise made.refusal
        return made.rows[0]

    async def of_user(self, history_id: int, user_id: int) -> Row | None:
        """Return a row of this user, or None if there is none or it is another's."""
        return await self._db.one("downloads_of_user", history_id=history_id, user_id=user_id)

    async def watched(self, user_id: int, named: list[int]) -> Sequence[Row]:
        """Return what is queued or running for this user, and what is named, newest first."""
        return await self._db.all("downloads_watched", user_id=user_id, history_ids=named)

    async def runs(self, history_id: int) -> Sequence[Row]:
        """Return each claim of a download: attempt, stage, node, exit, outcome, detail, seconds."""
        return await self._db.all("stage_runs_of", history_id=history_id)

    async def cancel(self, history_id: int, user_id: int) -> Row | None:
        """Cancel at once, or leave a wish to the holder; None if it is final."""
        rows = await cancel_all(self._db, [history_id], user_id)
        return rows[0] if rows else None

    async def hide(self, history_id: int, user_id: int) -> Row | None:
        """Cancel what still works, and take the record from its owner's sight; None if unknown.

        What is left of the file the sweep of its node removes, see ``Due.to_remove``.
        """
        values = {"history_id": history_id, "user_id": user_id}
        async with self._db.transaction() as statements:
            await statements.all("downloads_cancel", history_ids=[history_id], user_id=user_id)
            row = await statements.one("downloads_hide", **values)
            if row is None:
                return None
            await audit.note(statements, Action.DELETE, user_id=user_id, history_ids=[history_id])
            return row

    async def retry(self, history_id: int, user_id: int) -> Row | None:
        """Queue a failed or cancelled download again; None if it is in another state.

        Raises:
            QuotaError: The user has no room for one more.
        """
        values = {"history_id": history_id, "user_id": user_id}
        async with self._db.transaction() as statements:
            await lock(statements, user_id)
            row = await statements.one("downloads_to_retry", **values)
            if row is None:
                return None
            taking = self._allowance.taking(Mode(row["mode"]))
            row = _must(await statements.one("downloads_retry", **values, **taking))
            if (refusal := refusal_of(row)) is not None:
                raise refusal
            await audit.note(statements, Action.RETRY, user_id=user_id, history_ids=[history_id])
        return row

    async def claim(
        self,
        history_id: int,
        stage: Stage,
        *,
        holder: str,
        turns: Turns,
        on_trial: bool = False,
    ) -> Download | None:
        """Take the due stage of a download for this node, or return None if it is not to be had.

        None means: held, done, not due, cancelled, another node's, or no turn for it yet.

        Args:
            on_trial: For a process of its own; so suspects are claimed, and they alone.
        """
        values = {
            "history_id": history_id,
            "node": self._node,
            "holder": holder,
            "on_trial": on_trial,
            "trial_s": TRIAL.total_seconds(),
        }
        claim_s = CLAIM.total_seconds()
        if stage is not Stage.ACQUIRE_PROXY:
            row = await self._db.one("downloads_claim", stage=stage, claim_s=claim_s, **values)
            return None if row is None else as_download(row)
        async with self._db.transaction() as statements:
            await statements.one("downloads_lock_turns")
            row = await statements.one(
                "downloads_claim_first", claim_s=claim_s, **turns.values, **values
            )
        return None if row is None else as_download(row)

    async def held(self, history_id: int, epoch: int) -> Download | None:
        """Return a download that is held under this epoch, for its holder's child; else None."""
        row = await self._db.one("downloads_held", history_id=history_id, epoch=epoch)
        return None if row is None else as_download(row)

    async def renew(self, claim: Download) -> bool | None:
        """Prolong a claim; return whether its owner wishes it cancelled, None if it is lost."""
        row = await self._db.one("downloads_renew", claim_s=CLAIM.total_seconds(), **_fence(claim))
        return None if row is None else bool(row["cancel_wished"])

    async def pass_on(
        self,
        claim: Download,
        following: Stage,
        *,
        outcome: ProxyLease | FetchedMedia | Digest | None,
    ) -> bool:
        """Make the next stage due; return False if the claim was lost."""
        media = outcome if isinstance(outcome, FetchedMedia) else None
        digest = outcome if isinstance(outcome, Digest) else None
        lease = outcome if isinstance(outcome, ProxyLease) else None
        row = await self._db.one(
            "downloads_pass_on",
            next_stage=following.value,
            title=media and title_of(media.title, media.extractor, claim.wish.title),
            extractor=media and media.extractor,
            webpage_url=media and media.webpage_url,
            thumbnail=media and media.thumbnail,
            duration_s=media and media.duration_s,
            extension=media and media.extension,
            expected_bytes=media and media.size_bytes,
            warnings=media and as_json(media.warnings),
            exit_name=lease and lease.exit_name,
            file_size=digest and digest.size_bytes,
            file_hash=digest and digest.md5,
            **_fence(claim),
        )
        return row is not None

    async def hold(self, statements: Statements, claim: Download) -> bool:
        """Lock the row of a claim inside a transaction; False if it is lost or to be cancelled."""
        return await statements.one("downloads_hold", **_fence(claim)) is not None

    async def finish(
        self, statements: Statements, claim: Download, asset: Asset, *, quick_ttl: timedelta
    ) -> None:
        """Write the final state of a download whose row ``hold`` has locked."""
        await statements.one(
            "downloads_finish",
            status=int(claim.mode.finished),
            file_path=asset.file_path,
            file_name=asset.file_name,
            file_inode=asset.inode,
            file_size=asset.digest.size_bytes,
            file_hash=asset.digest.md5,
            ttl_s=quick_ttl.total_seconds(),
            **_fence(claim),
        )

    async def put_back(
        self, claim: Download, *, error: DownloadError | None, delay: timedelta
    ) -> bool:
        """Queue it again after ``delay``; the attempt counts only for what is not our doing.

        Without an error it is let go; a proxy that fails is no attempt at the video either.
        """
        is_proxy = isinstance(error, PROXY_ERRORS)
        keeps_faults = error is None or (is_proxy and not is_our_fault(error))
        row = await self._db.one(
            "downloads_put_back",
            continues=error is None or is_proxy,
            proxy_faults=claim.proxy_faults + is_proxy if keeps_faults else 0,
            delay_s=delay.total_seconds(),
            error_code=error and error.code.value,
            error_message=error and str(error),
            error_detail=(error and error.detail) or None,
            **_fence(claim),
        )
        return row is not None

    async def repeat_stage(
        self, claim: Download, *, error: DownloadError, delay: timedelta
    ) -> bool:
        """Make the same stage due again after ``delay``, on the same node."""
        row = await self._db.one(
            "downloads_repeat_stage",
            delay_s=delay.total_seconds(),
            error_code=error.code.value,
            error_message=str(error),
            error_detail=error.detail or None,
            **_fence(claim),
        )
        return row is not None

    async def let_go(self, claim: Download) -> bool:
        """Make the same stage due again at once, as if it had not been tried."""
        return await self._db.one("downloads_let_go", **_fence(claim)) is not None

    async def fail(self, claim: Download, error: DownloadError) -> bool:
        """End a download as failed; return False if the claim was lost."""
        row = await self._db.one(
            "downloads_fail",
            error_code=error.code.value,
            error_message=str(error),
            error_detail=error.detail or None,
            error_retryable=isinstance(error, TransientError),
            **_fence(claim),
        )
        return row is not None

    async def end_cancelled(self, claim: Download) -> bool:
        """End a download as cancelled; return False if the claim was lost."""
        return await self._db.one("downloads_end_cancelled", **_fence(claim)) is not None


def _fence(claim: Download) -> dict[str, int]:
    return {"history_id": claim.history_id, "epoch": claim.epoch}


def _must(row: Row | None) -> Row:
    if row is None:
        message = "a statement that always returns a row returned none"
        raise AssertionError(message)
    return row
