"""A bare ASGI app that sends one file in pieces by aiofiles: what a server adds to that."""

import os
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

import aiofiles

Message = MutableMapping[str, Any]

FILE = os.environ.get("BENCH_FILE", "")  # noqa: TID251 - set by servers.py
PIECE_BYTES = int(os.environ.get("BENCH_PIECE", "1048576"))  # noqa: TID251 - as above


async def app(
    scope: Message,
    receive: Callable[[], Awaitable[Message]],
    send: Callable[[Message], Awaitable[None]],
) -> None:
    """Answer every request with the beginning of the file that its Range asks for."""
    if scope["type"] == "lifespan":
        while (message := await receive())["type"] != "lifespan.shutdown":
            await send({"type": f"{message['type']}.complete"})
        await send({"type": "lifespan.shutdown.complete"})
        return
    asked = dict(scope["headers"])[b"range"]
    left = int(asked.rpartition(b"-")[2]) + 1
    length = str(left).encode()
    await send(
        {"type": "http.response.start", "status": 206, "headers": [(b"content-length", length)]}
    )
    async with aiofiles.open(FILE, "rb", buffering=0) as file:
        while left:
            piece = await file.read(min(PIECE_BYTES, left))
            left -= len(piece)
            await send({"type": "http.response.body", "body": piece, "more_body": left > 0})
