"""Valkey or Redis as the broker: consumers block on it instead of polling."""

# pyright: reportUnknownMemberType=false, reportUnknownArgumentType=false
# pyright: reportUnknownVariableType=false
# dramatiq and redis-py type what they give back for every case at once.

import heapq
import time
from typing import Any

from dramatiq.broker import Broker
from dramatiq.brokers import redis as stock
from dramatiq.brokers.redis import RedisBroker
from dramatiq.common import current_millis
from dramatiq.errors import ConnectionClosed
from dramatiq.middleware import Middleware
from dramatiq.worker import Worker
from redis import Redis
from redis.exceptions import RedisError, ResponseError
from typing_extensions import override

_WAIT_S = 1.0
"""How long one wait takes at most; a worker that stops waits for its end."""

_HEARTBEAT_S = 4.0
"""How often a consumer asks although nothing came: that is its heartbeat, and what finds the
messages of the dead. Well below the broker's ``heartbeat_timeout``."""

_POLL_S = 0.05
_SHORTEST_WAIT_S = 0.01

_Consumer = stock._RedisConsumer  # noqa: SLF001  # pyright: ignore[reportPrivateUsage] - its own hook


class _WaitingConsumer(_Consumer):
    """A consumer that asks for messages only when its queue has one.

    The stock one asks, idle too, each time that its timeout is over, and with each question
    writes that it lives: 500 commands a second for one worker, and 1.3 GB of append-only file a
    day. Source: docs/decisions/0005-brokers.md.
    """

    broker: "WaitingBroker"

    def __init__(self, broker: "WaitingBroker", queue: str, prefetch: int, timeout: int) -> None:
        super().__init__(broker, queue, prefetch, timeout)
        self._key = f"{broker.namespace}:{queue}"
        # Its types know of whole seconds only.
        self._client: Any = broker.client
        self._asked_at = 0.0
        self._etas: list[int] = []

    @override
    def __next__(self) -> Any:
        try:
            if not self.message_cache and not self._is_time_to_ask():
                return None
            self._asked_at = time.monotonic()
            # Else it would sleep for longer after each question without an answer.
            self.misses = 0
            message: Any = super().__next__()
        except RedisError as error:
            # The stock consumer does not translate the timeout of a late answer.
            raise ConnectionClosed(error) from None
        if message is not None and "eta" in message.options:
            heapq.heappush(self._etas, message.options["eta"])
        return message

    def _is_time_to_ask(self) -> bool:
        """Wait for a message, but no longer than the caller may be kept."""
        if self.outstanding_message_count >= self.prefetch:
            time.sleep(_POLL_S)
            return False
        if time.monotonic() >= self._asked_at + _HEARTBEAT_S:
            return True
        return self._wait(self._longest_wait_s())

    def _longest_wait_s(self) -> float:
        """Return how long nothing else is to be done: delayed messages are ours to hand on."""
        now = current_millis()
        while self._etas and self._etas[0] <= now:
            heapq.heappop(self._etas)
        longest = _POLL_S if self.broker.is_stopping else _WAIT_S
        until_due = (self._etas[0] - now) / 1000 if self._etas else longest
        return max(min(longest, until_due), _SHORTEST_WAIT_S)

    def _wait(self, seconds: float) -> bool:
        """Return True as soon as the queue has a message.

        The oldest id is moved from the head of the list to its head: nothing changes, but the
        command blocks until there is one. Producers need not know of us.
        """
        try:
            moved = self._client.blmove(self._key, self._key, seconds, "LEFT", "LEFT")
        except ResponseError:
            # Before Redis 6.2 there is no such command.
            time.sleep(min(seconds, _POLL_S))
            return True
        return moved is not None


class _Hurry(Middleware):
    """Lets no consumer wait long once its worker stops."""

    @override
    def before_worker_shutdown(self, broker: Broker, worker: Worker) -> None:
        if isinstance(broker, WaitingBroker):
            broker.is_stopping = True


class WaitingBroker(RedisBroker):
    """Valkey or Redis with the consumer above.

    Attributes:
        is_stopping: Whether its worker was asked to stop.
    """

    is_stopping: bool = False

    @property
    @override
    def consumer_class(self) -> type[_WaitingConsumer]:
        return _WaitingConsumer


def open_redis(url: str, chain: list[Middleware]) -> WaitingBroker:
    """Return the broker behind an address; it connects when it is first used."""
    return WaitingBroker(
        client=Redis.from_url(url, socket_timeout=5),
        middleware=[*chain, _Hurry()],
        # A killed worker's messages come back after 15 s instead of some hours.
        heartbeat_timeout=15_000,
        # Out of a million questions; an idle consumer asks every four seconds.
        maintenance_chance=300_000,
    )
