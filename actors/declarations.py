"""The actors as Dramatiq knows them: thin functions around the works."""

# pyright: reportUnknownMemberType=false, reportUnknownArgumentType=false
# dramatiq leaves the type of a message's result open.

from collections.abc import Callable
from datetime import timedelta

import dramatiq
from dramatiq.broker import Broker
from periodiq import cron

from actors.acquire_proxy import acquire_proxy
from actors.broker import SHARED_QUEUE
from actors.checksum import checksum
from actors.context import Context
from actors.expire import expire, remove
from actors.fetch import fetch
from actors.pipeline import node_queue
from actors.record import record
from actors.stage import Work, run
from domain.states import Stage

SCHEDULE_QUEUE = "schedule"

TICK = timedelta(minutes=5)
"""How long one tick stands for all: longer than two schedulers differ, shorter than an hour."""

WORKS: dict[Stage, Work] = {
    Stage.ACQUIRE_PROXY: acquire_proxy,
    Stage.FETCH: fetch,
    Stage.CHECKSUM: checksum,
    Stage.RECORD: record,
}


def declare(broker: Broker, node: str, context: Callable[[], Context]) -> None:
    """Declare the actors of a node on its broker.

    Args:
        context: Gives the worker's context when a message comes; it is opened after the boot.
    """
    for stage, work in WORKS.items():
        _declare_stage(broker, stage, work, node, context)

    @dramatiq.actor(broker=broker, actor_name="expire", queue_name=node_queue(node))
    async def expire_here() -> None:
        await expire(context())

    @dramatiq.actor(broker=broker, actor_name="remove", queue_name=node_queue(node))
    async def remove_here() -> None:
        await remove(context())

    @dramatiq.actor(
        broker=broker,
        actor_name="expire_everywhere",
        queue_name=SCHEDULE_QUEUE,
        periodic=cron("0 * * * *"),
    )
    async def expire_everywhere() -> None:
        # Two schedulers may tick; one of the ticks is enough.
        if not await context().services.leases.lead("expire", TICK):
            return
        # Through the wake-ups' thread: enqueueing blocks, and the event loop must not.
        for row in await context().services.nodes.all():
            context().wakeups.send_message(
                expire_here.message().copy(queue_name=node_queue(row["node"]))
            )

    _ = expire_everywhere, remove_here


def _declare_stage(
    broker: Broker, stage: Stage, work: Work, node: str, context: Callable[[], Context]
) -> None:
    shared = stage is Stage.ACQUIRE_PROXY
    queue_name = SHARED_QUEUE if shared else node_queue(node)

    @dramatiq.actor(broker=broker, actor_name=stage.value, queue_name=queue_name)
    async def act(history_id: int) -> None:
        await run(context(), stage, work, history_id)

    _ = act
