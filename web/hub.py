"""The hub: one listener to the feed for all sockets of this process."""

import asyncio
from collections import defaultdict
from collections.abc import Generator
from contextlib import contextmanager

from runtime import logs
from storage.feed import Ended, Feed
from storage.redis_door import RedisFault
from web.errands import end
from web.outbox import Outbox

MAX_SOCKETS_PER_USER = 10
LONGEST_BACKOFF_S = 5.0

_log = logs.get("web.hub")


class TooManySocketsError(Exception):
    """The user has as many sockets open as one may."""


class Hub:
    """Hands each event to the outboxes of its user."""

    def __init__(self, feed: Feed) -> None:
        self._feed = feed
        self._outboxes: defaultdict[int, set[Outbox]] = defaultdict(set)
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Listen to the feed until ``close``."""
        self._task = asyncio.create_task(self._listen())

    async def close(self) -> None:
        """Listen no more."""
        if self._task is not None:
            await end([self._task])

    @contextmanager
    def watch(self, user_id: int) -> Generator[Outbox]:
        """Yield an outbox that gets this user's events.

        Raises:
            TooManySocketsError: Ten are open already.
        """
        outboxes = self._outboxes[user_id]
        if len(outboxes) >= MAX_SOCKETS_PER_USER:
            raise TooManySocketsError
        outbox = Outbox()
        outboxes.add(outbox)
        try:
            yield outbox
        finally:
            outboxes.discard(outbox)
            if not outboxes:
                self._outboxes.pop(user_id, None)

    async def _listen(self) -> None:
        backoff_s = 0.1
        while True:
            try:
                async for heard in self._feed.listen():
                    if heard is None:
                        # Connected again: what was said in between is lost.
                        backoff_s = 0.1
                        self._ask_snapshots()
                        continue
                    for outbox in self._outboxes.get(heard.user_id, ()):
                        if isinstance(heard, Ended):
                            outbox.doubt()
                        else:
                            outbox.put(heard)
            except RedisFault as error:
                _log.warning("feed_away", error=type(error).__name__, again_s=backoff_s)
            await asyncio.sleep(backoff_s)
            backoff_s = min(backoff_s * 2, LONGEST_BACKOFF_S)

    def _ask_snapshots(self) -> None:
        for outboxes in self._outboxes.values():
            for outbox in outboxes:
                outbox.ask_snapshot()
                outbox.doubt()
