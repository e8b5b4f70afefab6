"""The worker: one process that does the stages of one node."""

import asyncio
import os
import resource
import signal
import threading
from collections.abc import Coroutine
from contextlib import AsyncExitStack
from typing import Any

from dramatiq import Worker
from dramatiq.asyncio import get_event_loop_thread
from dramatiq.broker import Broker
from dramatiq.middleware import Middleware, MiddlewareError
from typing_extensions import override

from actors.broker import SHARED_QUEUE
from actors.context import Context
from actors.declarations import SCHEDULE_QUEUE, declare
from actors.opening import BOOT_ERRORS, open_context
from actors.pipeline import Wakeups, node_queue
from actors.schedule import open_scheduled_broker
from actors.upkeep import beat, keep_up
from runtime import logs
from runtime.settings import Settings

IDLE_MS = 500
"""How long an idle thread of the worker waits before it looks whether it shall stop."""

SPARE_THREADS = 6
"""Threads beyond the slots, for wake-ups that come late or twice and for the clean-up."""

STOP_MS = 6_000

MAX_DESCRIPTORS = 16_384

_log = logs.get("actors.main")


class _BootError(MiddlewareError):
    """The context could not be opened; the cause says why."""


class _Life(Middleware):
    """Opens the context when the worker boots and closes it when it has stopped."""

    def __init__(self, settings: Settings, wakeups: Wakeups) -> None:
        self._settings = settings
        self._wakeups = wakeups
        self._stack = AsyncExitStack()
        self._context: Context | None = None

    def context(self) -> Context:
        """Return the open context."""
        if self._context is None:
            message = "a message came before the worker had booted"
            raise AssertionError(message)
        return self._context

    @override
    def before_worker_boot(self, broker: Broker, worker: Worker) -> None:
        try:
            _on_loop(self._open())
        except BOOT_ERRORS as error:
            # dramatiq swallows every other exception here and would work without a context.
            raise _BootError from error

    @override
    def before_worker_shutdown(self, broker: Broker, worker: Worker) -> None:
        _on_loop(self._begin_stop())

    @override
    def after_worker_shutdown(self, broker: Broker, worker: Worker) -> None:
        self._wakeups.send_held()
        _on_loop(self._stack.aclose())

    async def _open(self) -> None:
        opened = open_context(self._settings, self._wakeups)
        self._context = await self._stack.enter_async_context(opened)
        await beat(self._context)
        upkeep = asyncio.create_task(keep_up(self._context))
        upkeep.add_done_callback(_end_if_failed)
        self._stack.push_async_callback(_cancel, upkeep)

    async def _begin_stop(self) -> None:
        self.context().stopping.set()


def run_worker(settings: Settings) -> int:
    """Work until SIGTERM or SIGINT, then let go of everything within seconds; the exit status.

    Raises:
        DatabaseError: The database cannot be reached at the start.
        RootMissingError: The storage root belongs to another node.
    """
    stop = threading.Event()

    def ask_to_stop(_number: int, _frame: object) -> None:
        stop.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, ask_to_stop)
    _raise_descriptors()
    broker = open_scheduled_broker(settings)
    wakeups = Wakeups(broker)
    life = _Life(settings, wakeups)
    broker.add_middleware(life)
    node = settings.storage.node
    declare(broker, node, life.context)
    worker = Worker(
        broker,
        # Named, or a worker that enqueues for another node would begin to consume its queue.
        queues={SHARED_QUEUE, SCHEDULE_QUEUE, node_queue(node)},
        worker_threads=settings.downloads.slots + SPARE_THREADS,
        worker_timeout=IDLE_MS,
    )
    try:
        worker.start()
    except _BootError as error:
        broker.emit_after("worker_shutdown", worker)
        raise error.__cause__ or error from None
    _log.info("worker_started", node=node, slots=settings.downloads.slots)
    stop.wait()
    _log.info("worker_stopping", node=node)
    worker.stop(timeout=STOP_MS)
    wakeups.close()
    return 0


def _raise_descriptors() -> None:
    """Allow ourselves as many open files as the system lets us: the gate needs six a connection."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MAX_DESCRIPTORS if hard == resource.RLIM_INFINITY else min(hard, MAX_DESCRIPTORS)
    resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def _on_loop(coroutine: Coroutine[Any, Any, None]) -> None:
    """Run a coroutine on dramatiq's event loop and wait for it."""
    loop_thread = get_event_loop_thread()
    if loop_thread is None:
        message = "the AsyncIO middleware must stand before this one"
        raise AssertionError(message)
    loop_thread.run_coroutine(coroutine)


def _end_if_failed(upkeep: "asyncio.Task[None]") -> None:
    """End the worker when its chores have ended by a fault of ours.

    Without heartbeat and sweep it would look dead while it works; whoever supervises it starts
    it again.
    """
    if not upkeep.cancelled() and (error := upkeep.exception()) is not None:
        _log.critical("upkeep_failed", exc_info=error, advice="the worker ends; report this")
        os.kill(os.getpid(), signal.SIGTERM)


async def _cancel(task: "asyncio.Task[None]") -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
