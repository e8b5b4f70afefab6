"""The pipeline's messages: one wake-up for one stage of one download."""

# pyright: reportUnknownMemberType=false
# dramatiq leaves the type of a message's result open.

from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import timedelta
from threading import BoundedSemaphore
from typing import Any

import dramatiq
from dramatiq.broker import Broker

from actors.broker import SHARED_QUEUE, BrokerFault, open_broker
from domain.states import Stage
from runtime import logs

LONGEST_DELAY = timedelta(seconds=60)
"""Longer waits are the row's ``not_before``, which the sweep finds."""

MAX_WAITING = 10_000
"""Wake-ups kept in memory while the broker is away; the sweep sends what is beyond."""

WakeUp = dramatiq.Message[Any]

_log = logs.get("actors.pipeline")


def node_queue(node: str) -> str:
    """Return the queue of the stages that must run where the file is."""
    return f"node.{node}"


class Wakeups:
    """Sends wake-ups from one thread of its own, beside whatever its caller does.

    One thread, because a connection to RabbitMQ belongs to the thread that opened it. A wake-up
    that cannot be sent is logged and dropped: the row is the truth, and the sweep sends it.
    """

    def __init__(self, broker: Broker) -> None:
        self._broker = broker
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="wakeups")
        self._room = BoundedSemaphore(MAX_WAITING)
        self._held: list[tuple[Stage, int]] = []

    def send(
        self,
        stage: Stage,
        history_id: int,
        *,
        node: str | None = None,
        delay: timedelta = timedelta(0),
    ) -> None:
        """Wake a stage of a download, on one node or on any; returns at once, never raises.

        A delay over a minute sends nothing: the sweep does when it is over.
        """
        if delay > LONGEST_DELAY:
            return
        message = WakeUp(
            queue_name=SHARED_QUEUE if node is None else node_queue(node),
            actor_name=stage.value,
            args=(history_id,),
            kwargs={},
            options={},
        )
        self.send_message(message, delay=delay)

    def hold(self, stage: Stage, history_id: int) -> None:
        """Keep the wake-up of a stage that any node may do, until this worker takes no more."""
        self._held.append((stage, history_id))

    def send_held(self) -> None:
        """Send what was held."""
        while self._held:
            self.send(*self._held.pop())

    def send_remove(self, node: str) -> None:
        """Have a node delete the files of deleted records now; its sweep does it anyway."""
        self.send_message(
            WakeUp(queue_name=node_queue(node), actor_name="remove", args=(), kwargs={}, options={})
        )

    def send_message(self, message: WakeUp, *, delay: timedelta = timedelta(0)) -> None:
        """Enqueue any message; returns at once, never raises."""
        if self._room.acquire(blocking=False):
            delay_ms = int(delay.total_seconds() * 1000)
            self._thread.submit(self._enqueue, message, delay_ms or None)

    def close(self) -> None:
        """Send what waits, for two seconds at most, and close the broker."""
        with suppress(TimeoutError, *BrokerFault):
            self._thread.submit(self._broker.close).result(timeout=2)
        self._thread.shutdown(wait=False, cancel_futures=True)

    def _enqueue(self, message: WakeUp, delay_ms: int | None) -> None:
        try:
            self._broker.enqueue(message, delay=delay_ms)
        except BrokerFault as error:
            _log.warning(
                "wakeup_not_sent",
                actor=message.actor_name,
                args=message.args,
                error=type(error).__name__,
                advice="the sweep sends it within a minute; check the broker",
            )
        finally:
            self._room.release()


def open_wakeups(broker_url: str) -> Wakeups:
    """Return wake-ups over a broker of their own, for a process that runs no actors."""
    return Wakeups(open_broker(broker_url))
