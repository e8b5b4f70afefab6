"""The hub: one listener to the feed for all sockets of this process."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from runtime import logs
from storage.downloads import Downloads
from storage.feed import Ended, Feed
from storage.redis_door import RedisFault
from storage.waits import Waits
from web.errands import end
from web.progress.audiences import Audience
from web.progress.lines import Line
from web.progress.listeners import Listener
from web.progress.watches import Message, Watch

MAX_SOCKETS_PER_USER = 10
LONGEST_BACKOFF_S = 5.0

_log = logs.get("web.progress.hub")


class TooManySocketsError(Exception):
    """The user has as many sockets open as one may."""


class Hub:
    """Hands each event to the audience of its user."""

    def __init__(self, feed: Feed, downloads: Downloads, waits: Waits) -> None:
        self._feed = feed
        self._downloads = downloads
        self._waits = waits
        self._audiences: dict[int, Audience] = {}
        self._runs: dict[Audience, asyncio.Task[None]] = {}
        self._task: asyncio.Task[None] | None = None

    def __len__(self) -> int:
        return sum(len(audience) for audience in self._audiences.values())

    def start(self) -> None:
        """Listen to the feed until ``close``."""
        self._task = asyncio.create_task(self._listen())

    async def close(self) -> None:
        """Listen no more."""
        if self._task is not None:
            await end([self._task])

    @asynccontextmanager
    async def watch(
        self, user_id: int, line: Line, *, since: int | None = None
    ) -> AsyncGenerator[Listener]:
        """Tell a socket what this user's downloads do, meanwhile.

        Args:
            since: The number of the last event that its client heard; None: none.

        Raises:
            TooManySocketsError: Ten are open already.
        """
        audience = self._audience(user_id)
        if len(audience) >= MAX_SOCKETS_PER_USER:
            raise TooManySocketsError
        listener = Listener(line, since)
        line.on_writable = lambda: audience.go_on(listener)
        audience.join(listener)
        try:
            yield listener
        finally:
            line.on_writable = None
            audience.leave(listener)
            if not len(audience) and (running := self._runs.pop(audience, None)) is not None:
                self._forget(user_id, audience)
                await end([running])

    async def snapshot(self, user_id: int) -> tuple[int, list[Message]]:
        """Return the number of the user's last event, and what is queued or running."""
        watch = self._watch_of(user_id)
        # The number first, as for a socket: what happens during the reading is then told later.
        seq = await watch.seq()
        return seq, await watch.entries((await watch.rows(())).values())

    def _audience(self, user_id: int) -> Audience:
        audience = self._audiences.get(user_id)
        if audience is None:
            audience = self._audiences[user_id] = Audience(self._watch_of(user_id))
            running = self._runs[audience] = asyncio.create_task(audience.run())
            running.add_done_callback(lambda run: self._ended(user_id, audience, run))
        return audience

    def _watch_of(self, user_id: int) -> Watch:
        return Watch(user_id=user_id, downloads=self._downloads, feed=self._feed, waits=self._waits)

    def _ended(self, user_id: int, audience: Audience, run: "asyncio.Task[None]") -> None:
        """Let who comes next have another audience, whatever ended this one."""
        self._forget(user_id, audience)
        if not run.cancelled() and (error := run.exception()) is not None:
            _log.error("audience_failed", user_id=user_id, error=type(error).__name__)

    def _forget(self, user_id: int, audience: Audience) -> None:
        if self._audiences.get(user_id) is audience:
            del self._audiences[user_id]

    async def _listen(self) -> None:
        backoff_s = 0.1
        while True:
            try:
                async for heard in self._feed.listen():
                    if heard is None:
                        # Connected again: what was said in between is lost.
                        backoff_s = 0.1
                        self._miss()
                    elif (audience := self._audiences.get(heard.user_id)) is None:
                        continue
                    elif isinstance(heard, Ended):
                        audience.doubt()
                    else:
                        audience.hear(heard)
            except RedisFault as error:
                _log.warning("feed_away", error=type(error).__name__, again_s=backoff_s)
            await asyncio.sleep(backoff_s)
            backoff_s = min(backoff_s * 2, LONGEST_BACKOFF_S)

    def _miss(self) -> None:
        for audience in self._audiences.values():
            audience.miss()
            audience.doubt()
