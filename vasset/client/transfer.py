"""The transfer of one file: ranges after every break, then its MD5, then its name."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from urllib.parse import urljoin

import httpx

from vasset.client import parts
from vasset.client.api import AGAIN, Api, ApiError, refusal
from vasset.client.parts import Part
from vasset.client.targets import Target

_MOST_REDIRECTS = 3


class CorruptError(ApiError):
    """What arrived is not what was asked for."""

    def __init__(self, target: Target, fault: str) -> None:
        super().__init__(HTTPStatus.OK, "corrupt", f"{target.name} {fault}")


async def save(api: Api, history_id: int, target: Target, arrived: Callable[[int], None]) -> Path:
    """Return where the file of a download is, once it is there whole.

    Args:
        arrived: Told how many bytes are here, again and again.

    Raises:
        ApiError: The server refuses, or was away for too long; the part stays for another time.
        CorruptError: The MD5 is wrong; nothing is left.
        OSError: The disk does not take it.
    """
    existing = await asyncio.to_thread(target.existing)
    if existing is not None:
        return existing
    with parts.opened(target.part, target.size_bytes) as part:
        transfer = _Transfer(api, history_id, target, part, arrived)
        found_bytes = part.size_bytes
        await transfer.fill()
        if found_bytes and await asyncio.to_thread(part.digest) != target.digest:
            # The fault may be in what was found here; once more without it.
            part.restart()
            await transfer.fill()
        if await asyncio.to_thread(part.digest) != target.digest:
            target.part.unlink()
            raise CorruptError(target, f"arrived damaged: its MD5 is not {target.digest}")
        return await asyncio.to_thread(target.place)


@dataclass(frozen=True, slots=True)
class _Transfer:
    """A file on its way into its part."""

    api: Api
    history_id: int
    target: Target
    part: Part
    arrived: Callable[[int], None]

    async def fill(self) -> None:
        """Ask for what is missing until nothing is."""
        patience = self.api.patience()
        while self.part.size_bytes < self.target.size_bytes:
            before = self.part.size_bytes
            why, retry_after = await self._receive()
            if self.part.size_bytes > before:
                patience.renew()
            if self.part.size_bytes < self.target.size_bytes:
                await patience.wait(why, retry_after)

    async def _receive(self) -> tuple[ApiError, str | None]:
        """Take what one answer brings; return what ended it, and when to ask again."""
        try:
            async with self._asked() as answer:
                self.api.note_answer()
                if answer.status_code in AGAIN:
                    await answer.aread()
                    return refusal(answer), answer.headers.get("Retry-After")
                await self._check(answer)
                async for piece in answer.aiter_raw():
                    await self._take(piece)
        except (httpx.InvalidURL, httpx.UnsupportedProtocol, ValueError) as error:
            raise CorruptError(self.target, "is said to be where nothing can be") from error
        except httpx.TransportError as error:
            return self.api.away(error), None
        return self.api.away(httpx.ReadError("the file ended too early")), None

    async def _take(self, piece: bytes) -> None:
        """Keep a piece.

        Raises:
            CorruptError: It is more than the server said, which might have no end.
        """
        if self.part.size_bytes + len(piece) > self.target.size_bytes:
            raise CorruptError(self.target, "is longer than the server said")
        await asyncio.to_thread(self.part.add, piece)
        self.arrived(self.part.size_bytes)

    async def _check(self, answer: httpx.Response) -> None:
        """Let the part stand where the answer begins.

        Raises:
            ApiError: It is no answer with this file.
        """
        status = answer.status_code
        if not answer.is_success and status != HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
            await answer.aread()
            raise refusal(answer)
        if not answer.is_success or answer.headers.get("ETag") != f'"{self.target.digest}"':
            raise CorruptError(self.target, "is another file by now")
        if status != HTTPStatus.PARTIAL_CONTENT:
            await asyncio.to_thread(self.part.restart)
        elif not _begins_at(answer, self.part.size_bytes):
            raise CorruptError(self.target, "came with another part than was asked for")

    @asynccontextmanager
    async def _asked(self) -> AsyncGenerator[httpx.Response]:
        """Yield the answer to a request for the missing rest, of whichever node has the file.

        Raises:
            httpx.TransportError: The connection broke.
        """
        wanted = {"Accept-Encoding": "identity"}
        if self.part.size_bytes:
            wanted["Range"] = f"bytes={self.part.size_bytes}-"
            wanted["If-Range"] = f'"{self.target.digest}"'
        url = f"{self.api.url('/download/file')}?history_id={self.history_id}"
        headers = wanted | self.api.headers()
        for _ in range(_MOST_REDIRECTS):
            async with self.api.http.stream("GET", url, headers=headers) as answer:
                if answer.status_code != HTTPStatus.TEMPORARY_REDIRECT:
                    yield answer
                    return
                # Its address has a ticket; the credential is for our own server alone.
                url, headers = urljoin(url, answer.headers.get("Location", "")), wanted
        raise CorruptError(self.target, "is sent round in circles by the server")


def _begins_at(answer: httpx.Response, start: int) -> bool:
    return answer.headers.get("Content-Range", "").startswith(f"bytes {start}-")
