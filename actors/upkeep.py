"""The upkeep of a node: heartbeat, sweep, clean-up, scrub, cancels, webhooks, beside the actors."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import timedelta

from redis.exceptions import RedisError

from actors.context import Context
from actors.disks import disk_of
from actors.expire import expire
from actors.parse import serve_flights
from actors.scrub import scrub
from actors.strays import hunt
from actors.sweep import sweep
from actors.trials import serve_trials
from actors.webhooks import serve_webhooks
from runtime import logs
from storage.db import DatabaseError
from storage.files import RootMissingError

HEARTBEAT_EVERY = timedelta(seconds=10)
SWEEP_EVERY = timedelta(seconds=15)
EXPIRE_EVERY = timedelta(minutes=30)
"""Beside periodiq's hourly tick, which neither catches up nor knows whether it arrived."""

STRAYS_EVERY = timedelta(hours=1)
SCRUB_EVERY = timedelta(hours=1)
"""How often it is looked for what has not been read for ``storage.scrub_every_d``."""

FORGET_EVERY = timedelta(hours=1)
"""How often the oldest entries go: of the audit trail, the log of webhooks, the counted ends."""

_log = logs.get("actors.upkeep")


async def beat(context: Context) -> None:
    """Say that this node lives, and how much room is left on its disk."""
    services, level = context.services, context.runner.level
    storage, disk = services.settings.storage, None
    with suppress(RootMissingError, OSError):
        disk = await disk_of(services)
    await services.nodes.beat(storage.node, storage.node_url, sandbox=level.value, disk=disk)


async def keep_up(context: Context) -> None:
    """Run the chores of this node until cancelled."""

    async def clear() -> None:
        await expire(context)

    async def hunt_strays() -> None:
        await hunt(context)

    async def forget() -> None:
        keep = timedelta(days=context.services.settings.audit.keep_d)
        await context.services.trail.forget(keep)
        await context.services.webhooks.forget()
        await context.services.ends.forget()

    async with asyncio.TaskGroup() as group:
        group.create_task(_repeat("heartbeat", HEARTBEAT_EVERY, lambda: beat(context)))
        group.create_task(_repeat("sweep", SWEEP_EVERY, lambda: sweep(context)))
        group.create_task(_repeat("expire", EXPIRE_EVERY, clear))
        group.create_task(_repeat("strays", STRAYS_EVERY, hunt_strays))
        group.create_task(_repeat("scrub", SCRUB_EVERY, lambda: scrub(context)))
        group.create_task(_repeat("forget", FORGET_EVERY, forget))
        group.create_task(hear_cancels(context))
        group.create_task(serve_trials(context))
        group.create_task(serve_flights(context))
        group.create_task(serve_webhooks(context))


async def _repeat(name: str, every: timedelta, chore: Callable[[], Awaitable[None]]) -> None:
    while True:
        try:
            await chore()
        except (DatabaseError, RootMissingError, OSError) as error:
            _log.error(
                "chore_failed",
                chore=name,
                error=str(error),
                advice="tried again soon; check the database and the disk",
            )
        await asyncio.sleep(every.total_seconds())


async def hear_cancels(context: Context) -> None:
    """Set the cancel of each download that runs here as soon as Redis tells of the wish."""
    while True:
        try:
            async for history_id in context.services.feed.cancel_wishes():
                if history_id in context.cancels:
                    context.cancels[history_id].set()
        except (RedisError, OSError):
            # The renewal of the claim finds the wish too, only later.
            await asyncio.sleep(1)
