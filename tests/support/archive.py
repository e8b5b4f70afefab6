"""Archived downloads with their files, made without any worker."""

import hashlib
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Self

from domain.download import Digest, User
from domain.requests import Wish
from domain.states import Mode, Stage
from storage.db import Db, Row
from storage.downloads import Asset, Downloads
from storage.files import Files
from storage.limits import Turns
from storage.users import Users

NODE = "node-a"
TURNS = Turns(slots=99, per_user=99)
LONG_AGO = timedelta(days=30)


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """One archived download."""

    history_id: int
    path: Path


class Archive:
    """The archive of one user on one node."""

    def __init__(self, db: Db, files: Files, user: User, node: str) -> None:
        self._db = db
        self.files = files
        self.user = user
        self.downloads = Downloads(db, node=node)

    @classmethod
    async def create(cls, db: Db, root: Path, *, node: str = NODE) -> Self:
        """Return an empty archive of a new user."""
        files = Files(root, node=node)
        files.prepare_root()
        user = await Users(db).add("archivist@example.com", password_hash="never compared")
        assert user is not None
        return cls(db, files, user, node)

    async def add(self, content: bytes, *, read_ago: timedelta = LONG_AGO) -> Kept:
        """Archive a file as a worker does, and let its digest be as old as that."""
        wish = Wish(url="https://example.com/v.mp4")
        row = await self.downloads.submit(self.user.user_id, Mode.ARCHIVE, wish)
        history_id = int(row["history_id"])
        claim = await self.downloads.claim(history_id, Stage.ACQUIRE_PROXY, holder="h", turns=TURNS)
        assert claim is not None
        staged = self.files.fresh_staging(history_id, 1) / "media.mp4"
        staged.write_bytes(content)
        path = self.files.path_of(claim)
        md5 = hashlib.md5(content, usedforsecurity=False).hexdigest()
        asset = Asset(
            file_path=str(path),
            file_name="A film.mp4",
            inode=self.files.place(staged, path, size_bytes=len(content)),
            digest=Digest(md5=md5, size_bytes=len(content)),
        )
        async with self._db.transaction() as statements:
            await self.downloads.finish(statements, claim, asset, quick_ttl=timedelta(days=1))
        await self._db.raw(
            "UPDATE download_history SET file_read_at = now() - interval "
            f"'{read_ago.total_seconds()} s' WHERE history_id = {history_id}"
        )
        return Kept(history_id=history_id, path=path)

    async def row(self, kept: Kept) -> Row:
        """Return the row of a download, hidden or not."""
        rows = await self._db.all(
            "assets_of_user", history_ids=[kept.history_id], user_id=self.user.user_id
        )
        return rows[0]

    async def fault(self, kept: Kept) -> str | None:
        """Return the mark of a download."""
        return (await self.row(kept))["file_fault"]

    async def is_taken(self, kept: Kept) -> bool:
        """Return whether a scrub has taken a download up."""
        return (await self.row(kept))["file_taken_at"] is not None

    async def delete(self, kept: Kept) -> None:
        """Delete a download as its owner does, and its file as the clean-up does."""
        await self.downloads.hide(kept.history_id, self.user.user_id)
        self.files.delete(kept.path)


def flip(path: Path, at: int = 0) -> None:
    """Change one bit of a file where it stands."""
    with path.open("r+b") as file:
        file.seek(at)
        byte = file.read(1)[0]
        file.seek(at)
        file.write(bytes([byte ^ 1]))
