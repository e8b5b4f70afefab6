"""The actors as Dramatiq knows them: five thin functions around the works."""

from collections.abc import Callable

import dramatiq
from dramatiq.broker import Broker
from periodiq import cron

from actors.acquire_proxy import acquire_proxy
from actors.checksum import checksum
from actors.context import Context
from actors.expire import expire
from actors.fetch import fetch
from actors.pipeline import SHARED_QUEUE, node_queue
from actors.record import record
from actors.stage import Work, run
from domain.states import Stage

SCHEDULE_QUEUE = "schedule"

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

    async def expire_node() -> None:
        await expire(context())

    async def expire_all() -> None:
        for row in await context().services.nodes.all():
            message = expire_of_node.message().copy(queue_name=node_queue(row["node"]))
            broker.enqueue(message)

    expire_of_node = dramatiq.actor(
        expire_node, broker=broker, actor_name="expire_node", queue_name=node_queue(node)
    )
    dramatiq.actor(
        expire_all,
        broker=broker,
        actor_name="expire",
        queue_name=SCHEDULE_QUEUE,
        periodic=cron("0 * * * *"),
    )


def _declare_stage(
    broker: Broker, stage: Stage, work: Work, node: str, context: Callable[[], Context]
) -> None:
    async def act(history_id: int) -> None:
        await run(context(), stage, work, history_id)

    shared = stage is Stage.ACQUIRE_PROXY
    dramatiq.actor(
        act,
        broker=broker,
        actor_name=stage.value,
        queue_name=SHARED_QUEUE if shared else node_queue(node),
    )
