"""The assets: finished files as their rows know them, and what is wrong with some."""

import errno
import os
import stat
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from domain.download import Digest
from domain.states import Mode
from storage.db import Db, Row
from storage.files import Files


class AssetFault(StrEnum):
    """What is wrong with an asset; the word in the row, the log and the metrics.

    ``changed``: its size, inode, kind or mode is not what it was. ``corrupt``: its digest is
    not, which only reading it all shows.
    """

    MISSING = "missing"
    CHANGED = "changed"
    CORRUPT = "corrupt"


class AssetFaultError(Exception):
    """A file is not as its row says."""

    def __init__(self, fault: AssetFault) -> None:
        super().__init__(fault.value)
        self.fault = fault


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptAsset:
    """A finished file as its row describes it.

    Attributes:
        file_name: For people; never a path.
        inode: None if it was recorded before inodes were.
        fault: What was last seen to be wrong with it, or None.
    """

    history_id: int
    user_id: int
    mode: Mode
    asset_uuid: UUID
    created_at: datetime
    file_name: str
    digest: Digest
    inode: int | None
    fault: AssetFault | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ScrubDue:
    """Which assets a scrub reads: those not read for some time, and all with a fault.

    Attributes:
        age: Those read within this time are left out.
        rest: Those taken up within this time are too, with a fault or not.
    """

    age: timedelta
    rest: timedelta

    @property
    def seconds(self) -> dict[str, float]:
        """Return both as the statements take them."""
        return {"age_s": self.age.total_seconds(), "rest_s": self.rest.total_seconds()}


def as_asset(row: Row) -> KeptAsset:
    """Return the asset of a row that has one."""
    return KeptAsset(
        history_id=row["history_id"],
        user_id=row["user_id"],
        mode=Mode(row["mode"]),
        asset_uuid=row["asset_uuid"],
        created_at=row["created_at"],
        file_name=row["file_name"] or "",
        digest=Digest(md5=row["file_hash"], size_bytes=row["file_size"]),
        inode=row["file_inode"],
        fault=None if row["file_fault"] is None else AssetFault(row["file_fault"]),
    )


def open_asset(files: Files, asset: KeptAsset, *, any_inode: bool = False) -> int:
    """Return a descriptor of the very file that the row describes; blocks.

    Args:
        any_inode: Another inode is no fault; for who compares the digest.

    Raises:
        AssetFaultError: It is missing, or something else stands there.
        RootMissingError: The disk is away; nothing is known of the file.
        OSError: It could not be looked at; nothing is known of the file.
    """
    try:
        descriptor = files.open(files.path_of(asset))
    except FileNotFoundError:
        raise AssetFaultError(AssetFault.MISSING) from None
    except OSError as error:
        # A link, a socket or a file where a folder should be.
        if error.errno in (errno.ELOOP, errno.ENOTDIR, errno.ENXIO):
            raise AssetFaultError(AssetFault.CHANGED) from error
        raise
    seen = os.fstat(descriptor)
    is_sound = stat.S_ISREG(seen.st_mode) and not seen.st_mode & stat.S_IWOTH
    is_sound = is_sound and seen.st_size == asset.digest.size_bytes
    if not is_sound or not (any_inode or _is_placed(files, asset, seen)):
        os.close(descriptor)
        raise AssetFaultError(AssetFault.CHANGED)
    return descriptor


def _is_placed(files: Files, asset: KeptAsset, seen: os.stat_result) -> bool:
    """Whether this is the file that was placed for the row, as far as its number tells."""
    if asset.inode is None:
        # Recorded before twins shared files, so it has the one name.
        return seen.st_nlink == 1
    # A number means something within its file system only.
    return seen.st_ino == asset.inode and seen.st_dev == files.root.stat().st_dev


class Assets:
    """The columns of download_history that tell how well its asset is kept."""

    def __init__(self, db: Db, *, node: str) -> None:
        self._db = db
        self._node = node

    async def of_user(self, history_ids: Sequence[int], user_id: int) -> Sequence[Row]:
        """Return those of these rows that are the user's, each with ``is_gone``."""
        return await self._db.all("assets_of_user", history_ids=list(history_ids), user_id=user_id)

    async def mark(self, history_id: int, fault: AssetFault) -> bool:
        """Write what is wrong with an asset; return False if it is known already, or it went."""
        row = await self._db.one("assets_fault", history_id=history_id, fault=fault.value)
        return row is not None

    async def mend(self, history_id: int, fault: AssetFault) -> None:
        """Take a mark back: what stands there is again as the row says."""
        await self._db.one("assets_mend", history_id=history_id, fault=fault.value)

    async def set_read(self, history_id: int, *, inode: int) -> None:
        """Write that the digest was compared just now and fits the file of this inode."""
        await self._db.one("assets_read", history_id=history_id, inode=inode)

    async def to_scrub(self, due: ScrubDue) -> list[int]:
        """Return the archived assets of this node that are due, by their ids, oldest read first."""
        row = await self._db.one("assets_to_scrub", node=self._node, **due.seconds)
        return [] if row is None else row["history_ids"]

    async def take(self, history_id: int, due: ScrubDue) -> KeptAsset | None:
        """Return an asset for the caller to read; None if it is not due any more, or went."""
        row = await self._db.one(
            "assets_take", history_id=history_id, node=self._node, **due.seconds
        )
        return None if row is None else as_asset(row)

    async def faulty(self, limit: int) -> Sequence[Row]:
        """Return the assets of all nodes with a fault: history_id, user_id, node, fault, since."""
        return await self._db.all("assets_faulty", limit=limit)

    async def fault_counts(self) -> Sequence[Row]:
        """Return how many assets have a fault: node, fault, number."""
        return await self._db.all("assets_fault_counts")
