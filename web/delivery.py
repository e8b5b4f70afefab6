"""Delivery: the file of a download, streamed to its owner."""

import asyncio
import os
import stat
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import aiofiles
from aiofiles.threadpool.binary import AsyncFileIO
from quart import Blueprint, Response, request

from domain.failures import FailureCode
from domain.states import Status
from runtime import logs
from storage.db import Row
from storage.downloads import as_download
from web.bodies import read_query
from web.callers import caller
from web.dispositions import attachment
from web.exchanges import exchange
from web.front import front
from web.operations import BINARY, Operation, operation
from web.problems import Code, ProblemError, forbidden
from web.shapes import FileAsked

PIECE_BYTES = 1 << 20
"""Measured: 64 KiB pieces take eight times as long."""

STALL_S = 60
"""A client that takes longer for one piece, under 17 KiB/s, loses its slot. Source: row FI-15."""

blueprint = Blueprint("delivery", __name__, url_prefix="/download")

_log = logs.get("web.delivery")


class ShortFileError(Exception):
    """A file became shorter while it was sent; the connection is cut, so the client knows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asset:
    history_id: int
    path: Path
    size_bytes: int
    headers: dict[str, str]


@blueprint.get("/file")
@operation(
    Operation(
        tag="downloads",
        query=FileAsked,
        answers={200: BINARY},
        problems=(403, 409, 410, 503),
    )
)
async def send_file() -> Response:
    """Return the file of a finished download; HEAD returns its headers alone."""
    user = await caller()
    asked = read_query(FileAsked)
    row = await front().services.downloads.of_user(asked.history_id, user.user_id)
    if row is None:
        raise forbidden()
    asset = _asset(row)
    exits = exchange().exits
    if request.method != "HEAD":
        await front().transfers.enter()
        exits.callback(front().transfers.leave)
    file = await _open(asset)
    exits.push_async_callback(file.close)
    body = b"" if request.method == "HEAD" else _pieces(file, asset.size_bytes)
    response = Response(body, 200, content_type=BINARY)
    response.headers.update(asset.headers)
    # Quart would cut the stream after a minute.
    response.timeout = None
    return response


def _asset(row: Row) -> _Asset:
    """Return the finished file of a row.

    Raises:
        ProblemError: 409 not finished, 410 no longer kept, 503 on another node.
    """
    status = Status(row["status"])
    now = datetime.fromtimestamp(front().now(), UTC)
    # Gone from the moment on, though the hourly clean-up may not have come by yet.
    if status is Status.EXPIRED or (row["expire_at"] is not None and row["expire_at"] <= now):
        raise ProblemError(410, Code.GONE, "The file is no longer kept.")
    if not status.has_asset:
        raise ProblemError(409, Code.CONFLICT, "There is no finished file of this download.")
    services = front().services
    if row["storage_node"] != services.settings.storage.node:
        raise ProblemError(
            503, FailureCode.UNAVAILABLE, "The node that keeps this file is away for now."
        )
    return _Asset(
        history_id=row["history_id"],
        path=services.files.path_of(as_download(row)),
        size_bytes=row["file_size"],
        headers={
            "Content-Disposition": attachment(row["file_name"]),
            "Content-Length": str(row["file_size"]),
            "Content-Security-Policy": "sandbox",
            "Cache-Control": "private, no-store",
            "ETag": f'"{row["file_hash"]}"',
            "Vary": "Authorization",
        },
    )


async def _open(asset: _Asset) -> AsyncFileIO:
    """Open the file and make sure that it is the one of the row.

    Raises:
        ProblemError: 503, it is missing or something else stands there.
    """
    try:
        file = await aiofiles.open(asset.path, "rb", buffering=0, opener=_open_plainly)
    except OSError as error:
        _log.error("asset_missing", history_id=asset.history_id, error=type(error).__name__)
        raise ProblemError(
            503, FailureCode.UNAVAILABLE, "The file cannot be read for now."
        ) from error
    seen = os.fstat(file.fileno())
    if stat.S_ISREG(seen.st_mode) and seen.st_size == asset.size_bytes and seen.st_nlink == 1:
        return file
    await file.close()
    _log.error("asset_not_as_recorded", history_id=asset.history_id, size_bytes=seen.st_size)
    raise ProblemError(503, FailureCode.UNAVAILABLE, "The file cannot be read for now.")


def _open_plainly(path: str, flags: int) -> int:
    # O_NONBLOCK: opening a pipe that somebody put there must not hold a thread for ever.
    return os.open(path, flags | os.O_NOFOLLOW | os.O_NONBLOCK)


async def _pieces(file: AsyncFileIO, size_bytes: int) -> AsyncIterator[bytes]:
    """Yield the file piece by piece.

    Raises:
        ShortFileError: It has fewer bytes than the client was told.
    """
    sender = asyncio.current_task()
    left = size_bytes
    while left:
        piece = await file.read(min(PIECE_BYTES, left))
        if not piece:
            raise ShortFileError
        left -= len(piece)
        stall = asyncio.get_running_loop().call_later(STALL_S, _cut, sender)
        try:
            yield piece
        finally:
            stall.cancel()


def _cut(sender: "asyncio.Task[object] | None") -> None:
    if sender is not None:
        sender.cancel()
