"""The watch: tells how downloads get on at the server, and when each one has ended.

The socket makes it quick; the rows, asked one after another, make it sure. So a socket that is
refused, cut or silent costs seconds and nothing else.
"""

import asyncio
from collections.abc import Callable

from pydantic import ValidationError
from typing_extensions import override
from websockets.asyncio.client import connect
from websockets.exceptions import WebSocketException
from websockets.typing import Subprotocol

from vasset.client.api import PREFIX, Api, ApiError, tls
from vasset.client.events import Progress
from vasset.client.shapes import Download, Heard, Message

_DEAF_S = 1.0
"""How often the rows are asked without a socket."""

_HEARING_S = 30.0
"""The same with one, which the server itself holds against the rows every ten seconds."""

_LONGEST_BACKOFF_S = 10.0
_MAX_MESSAGE = 1 << 24


class _Line(connect):
    """A connection that is never sent on to another server: the key is in its handshake."""

    @override
    def process_redirect(self, exc: Exception) -> Exception | str:
        return exc


class Watch:
    """Watches downloads until each has ended; ``run`` does the work."""

    def __init__(self, api: Api, show: Callable[[Progress], None]) -> None:
        self._api = api
        self._show = show
        self._waiting: dict[int, asyncio.Future[Download]] = {}
        self._doubted: asyncio.Queue[int] = asyncio.Queue()
        self._hears = False

    async def ended(self, history_id: int) -> Download:
        """Return a download once no more work is owed to it.

        Raises:
            ApiError: It is gone, or the server is away for too long.
        """
        future = asyncio.get_running_loop().create_future()
        self._waiting[history_id] = future
        self._doubted.put_nowait(history_id)
        try:
            return await future
        finally:
            del self._waiting[history_id]

    async def run(self) -> None:
        """Listen and look until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._listen())
            tasks.create_task(self._look())

    async def _look(self) -> None:
        while True:
            for history_id in await self._due():
                await self._look_at(history_id)

    async def _due(self) -> list[int]:
        """Return whose row is to be asked for next: one that is doubted, in the end all."""
        try:
            async with asyncio.timeout(_HEARING_S if self._hears else _DEAF_S):
                return [await self._doubted.get()]
        except TimeoutError:
            return list(self._waiting)

    async def _look_at(self, history_id: int) -> None:
        future = self._waiting.get(history_id)
        if future is None or future.done():
            return
        try:
            download = await self._api.ask("GET", f"/download/{history_id}", Download)
        except ApiError as error:
            # Whoever is away for one is away for all.
            for lost in [future] if error.status else self._waiting.values():
                if not lost.done():
                    lost.set_exception(error)
            return
        if download.status_code.is_active:
            self._show(_progress(Heard.model_validate(download, from_attributes=True)))
        elif not future.done():
            future.set_result(download)

    async def _listen(self) -> None:
        backoff_s = 0.5
        while True:
            try:
                async with self._connect() as line:
                    async for text in line:
                        self._hears, backoff_s = True, 0.5
                        self._hear(text)
            except (OSError, WebSocketException):
                pass
            finally:
                self._hears = False
            await asyncio.sleep(backoff_s)
            backoff_s = min(backoff_s * 2, _LONGEST_BACKOFF_S)

    def _connect(self) -> connect:
        place = self._api.place
        url = f"{place.url}{PREFIX}/ws/progress".replace("http", "ws", 1)
        pair = [Subprotocol("bearer"), Subprotocol(place.credential())]
        return _Line(
            url,
            subprotocols=pair,
            ssl=tls() if url.startswith("wss:") else None,
            proxy=None if place.is_loopback else True,
            max_size=_MAX_MESSAGE,
        )

    def _hear(self, text: str | bytes) -> None:
        try:
            message = Message.model_validate_json(text)
            is_whole = message.type == "snapshot"
            told = message.downloads if is_whole else [Heard.model_validate_json(text)]
        except ValidationError:
            # What a newer server says.
            return
        active = {heard.history_id: heard for heard in told if heard.status_code.is_active}
        for history_id in self._waiting if is_whole else (heard.history_id for heard in told):
            if history_id not in self._waiting:
                continue
            if history_id in active:
                self._show(_progress(active[history_id]))
            else:
                # It has ended, perhaps while nothing was heard.
                self._doubted.put_nowait(history_id)


def _progress(heard: Heard) -> Progress:
    return Progress(**heard.model_dump(exclude={"type", "status_code"}))
