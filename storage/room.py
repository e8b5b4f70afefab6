"""The room of downloads: how much of its node's disk each is expected to take."""

from enum import Enum, auto

from domain.download import Download
from storage.db import Db, Statements


class Fit(Enum):
    """Whether a file fits on the disk where it is being fetched."""

    FITS = auto()
    FULL = auto()
    HOPELESS = auto()
    """Not on any node, however much were deleted."""


class Room:
    """The ``expected_bytes`` of downloads; what is reserved is counted from them alone.

    Source: docs/decisions/0021-disk.md.
    """

    def __init__(self, db: Db) -> None:
        self._db = db

    async def estimate(self, statements: Statements, history_id: int, size_bytes: int) -> None:
        """Write what is known of a file before a claim of its download."""
        await statements.one("downloads_estimate", history_id=history_id, size_bytes=size_bytes)

    async def expect(self, claim: Download, size_bytes: int) -> Fit | None:
        """Reserve for a running fetch what its file will take; None if the claim is lost.

        The size stays written if it does not fit, so that the next claim is made where it does.
        """
        async with self._db.transaction() as statements:
            await statements.one("downloads_lock_turns")
            row = await statements.one(
                "downloads_expect",
                history_id=claim.history_id,
                epoch=claim.epoch,
                size_bytes=size_bytes,
            )
        if row is None:
            return None
        if row["fits"]:
            return Fit.FITS
        return Fit.HOPELESS if row["is_hopeless"] else Fit.FULL
