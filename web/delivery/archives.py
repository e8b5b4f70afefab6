"""Archives: several files in one ZIP, made while it is sent; nothing is written to the disk."""

import os
from collections.abc import Iterator, Sequence
from pathlib import PurePath
from typing import Any, cast

from zipstream import ZipStream  # pyright: ignore[reportMissingTypeStubs] - it ships none

from storage.assets import KeptAsset
from storage.deliveries import Outcome
from web.delivery.dispositions import safe_name
from web.delivery.transfers import Transfer
from web.transport.disk import on_disk
from web.transport.pumps import CutError

_PIECE_BYTES = 1 << 20


class _ShortFileError(Exception):
    """A file has fewer bytes than its archive promises."""


class Archive:
    """A ZIP of open files, stored and not compressed, since films do not get smaller.

    Args:
        files: Each asset and the descriptor of its file, which must stay open.
    """

    def __init__(self, files: Sequence[tuple[KeptAsset, int]]) -> None:
        stream: Any = ZipStream(sized=True)
        names = unlike([safe_name(asset.file_name) for asset, _ in files])
        for (asset, descriptor), name in zip(files, names, strict=True):
            size = asset.digest.size_bytes
            stream.add(_pieces(descriptor, size), name, size=size)
        self.size_bytes = len(stream)
        self._stream = cast("Iterator[bytes]", iter(stream))

    async def send(self, transfer: Transfer) -> None:
        """Send the archive.

        Raises:
            CutError: A file became shorter or cannot be read, or the client is gone.
        """
        try:
            while piece := await on_disk(lambda: next(self._stream, None)):
                await transfer.send(piece)
        except (_ShortFileError, OSError) as error:
            raise CutError(Outcome.FILE_ENDED) from error


def unlike(names: Sequence[str]) -> list[str]:
    """Return the names with a number where one stands twice, also if only in other letters."""
    taken, found = set[str](), list[str]()
    for name in names:
        number, free = 1, name
        while free.casefold() in taken:
            number += 1
            path = PurePath(name)
            free = f"{path.stem} ({number}){path.suffix}"
        taken.add(free.casefold())
        found.append(free)
    return found


def _pieces(descriptor: int, size_bytes: int) -> Iterator[bytes]:
    at = 0
    while at < size_bytes:
        piece = os.pread(descriptor, min(_PIECE_BYTES, size_bytes - at), at)
        if not piece:
            raise _ShortFileError
        at += len(piece)
        yield piece
