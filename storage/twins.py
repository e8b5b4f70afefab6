"""The twins of a download: whose file it takes, and what shares nothing."""

import os
from dataclasses import dataclass
from pathlib import Path

from domain.download import Download, FetchedMedia
from storage.assets import AssetFault, AssetFaultError, KeptAsset, as_asset, open_asset
from storage.db import Db, Row
from storage.files import Files
from storage.warnings import from_json


@dataclass(frozen=True, slots=True, kw_only=True)
class Twin:
    """A finished download and what the site said when it was fetched."""

    asset: KeptAsset
    row: Row

    def media(self, path: Path) -> FetchedMedia:
        """Return what a fetch that brought its file to this path would have left."""
        row = self.row
        return FetchedMedia(
            path=path,
            size_bytes=self.asset.digest.size_bytes,
            extension=row["extension"],
            title=row["title"] or "",
            extractor=row["extractor"] or "",
            webpage_url=row["webpage_url"],
            thumbnail=row["thumbnail"],
            duration_s=row["duration_s"],
            md5=self.asset.digest.md5,
            warnings=from_json(row["warnings"]),
        )


class Twins:
    """The columns of download_history that tell who may share a file; see ``among_twins``."""

    def __init__(self, db: Db) -> None:
        self._db = db

    async def kept(self, history_id: int) -> Twin | None:
        """Return a finished download whose file is there to be linked, or None."""
        row = await self._db.one("twins_kept", history_id=history_id)
        return None if row is None else Twin(asset=as_asset(row), row=row)

    async def disown(self, claim: Download) -> None:
        """Let a download that is held share nothing: it neither waits nor is waited for."""
        await self._db.one("twins_disown", history_id=claim.history_id, epoch=claim.epoch)


def link_asset(files: Files, asset: KeptAsset, name: Path) -> None:
    """Give the very file that the row describes one more name; blocks.

    Raises:
        AssetFaultError: It is missing, or something else stands there.
        RootMissingError: The disk is away; nothing is known of the file.
        OSError: It cannot be linked: it has too many names, or its file system knows no links.
    """
    descriptor = open_asset(files, asset)
    try:
        _link(files, asset, name)
        # What stands at the path may have changed since it was opened.
        if not os.path.samestat(name.lstat(), os.fstat(descriptor)):
            raise AssetFaultError(AssetFault.CHANGED)
    finally:
        os.close(descriptor)


def _link(files: Files, asset: KeptAsset, name: Path) -> None:
    try:
        os.link(files.path_of(asset), name, follow_symlinks=False)
    except FileNotFoundError:
        # Its time may be over since it was opened; that says nothing against linking others.
        os.close(open_asset(files, asset))
        raise
