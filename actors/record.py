"""The stage record: the file into its place, then the row into its final state."""

import asyncio

from actors.context import Context
from actors.stage import ClaimLostError
from domain.download import Download
from domain.failures import CorruptError
from domain.names import asset_name
from storage.downloads import Asset


async def record(context: Context, download: Download) -> None:
    """Move the file and write the row as one: the row is locked while the file moves.

    So no other holder can move a file for this download meanwhile, and a death in between
    leaves a file in its place that the repeat recognises.

    Raises:
        ClaimLostError: Another holds the row now, or its owner wants it cancelled.
        CorruptError: The file is not there, or not as the checksum saw it.
    """
    services = context.services
    if download.digest is None or download.extension is None:
        raise CorruptError
    staging = services.files.staging(download.history_id, download.attempt)
    final = services.files.path_of(download)
    staged = staging / f"media.{download.extension}"
    # Before the row is locked: the bytes of a large file may take longer than a lock should.
    await asyncio.to_thread(services.files.flush, staged)
    async with services.db.transaction() as statements:
        if not await services.downloads.hold(statements, download):
            raise ClaimLostError
        inode = await asyncio.to_thread(
            services.files.place,
            staged,
            final,
            size_bytes=download.digest.size_bytes,
        )
        asset = Asset(
            file_path=str(final),
            file_name=asset_name(download.title, download.extension, download.history_id),
            inode=inode,
            digest=download.digest,
        )
        await services.downloads.finish(statements, download, asset, quick_ttl=services.quick_ttl)
