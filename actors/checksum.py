"""The stage checksum: the MD5 and the size of the fetched file, in one read."""

import asyncio
import hashlib
from pathlib import Path

from actors.context import Context
from domain.download import Digest, Download
from domain.failures import CorruptError, TooLargeError
from domain.states import Mode
from storage import manifests

PIECE_BYTES = 1 << 20
BEYOND_QUOTA = "The video is larger than what is left of your archive's quota."


async def checksum(context: Context, download: Download) -> Digest:
    """Return the digest of what the fetch left.

    Raises:
        CorruptError: The file is gone or is not what its manifest says.
        TooLargeError: It is larger than what is left of its owner's archive.
    """
    staging = context.services.files.staging(download.history_id, download.attempt)
    media = await asyncio.to_thread(manifests.read, staging)
    if media is None:
        raise CorruptError
    # Before the read: for a file that may not stay it would be for nothing.
    if download.mode is Mode.ARCHIVE and not await context.services.quotas.settle(
        download, media.size_bytes
    ):
        raise TooLargeError(BEYOND_QUOTA)
    if media.md5 is not None:
        return Digest(md5=media.md5, size_bytes=media.size_bytes)
    digest = await asyncio.to_thread(digest_of, media.path)
    if digest.size_bytes != media.size_bytes:
        raise CorruptError
    return digest


def digest_of(path: Path) -> Digest:
    """Return the MD5 and size of a file, read once; blocks, but lets other threads run."""
    # An integrity label for the owner, never a decision about trust.
    md5, size = hashlib.md5(usedforsecurity=False), 0
    with path.open("rb", buffering=0) as file:
        while piece := file.read(PIECE_BYTES):
            md5.update(piece)
            size += len(piece)
    return Digest(md5=md5.hexdigest(), size_bytes=size)
