"""Webhooks: what is due is told, beside the downloads and without ever holding them up.

Each attempt is a task of its own with a deadline; one that dies with its worker is made again by
whoever finds its claim run out. Source: docs/decisions/0018-webhooks.md.
"""

import asyncio
import random
from datetime import timedelta
from urllib.parse import urlsplit

from actors.context import Context
from domain.webhooks import MAX_TRIES, Answer, Fault, next_wait
from gateways.webhooks import Sender
from runtime import logs
from storage.db import DatabaseError
from storage.webhooks import Bounds, DeliveryStatus, WebhookDelivery

SLOTS = 32
"""Attempts of one worker at once; each waits nearly all of its time."""

BOUNDS = Bounds(per_lane=4, per_user=8, per_host=8)
"""Of all workers, so that a host or a user whose receivers never answer leaves room."""

LOOK_EVERY = timedelta(seconds=1)
BREATH = timedelta(milliseconds=50)

_ADVICE = "give this worker the auth.secret of the web processes"

_log = logs.get("actors.webhooks")


async def serve_webhooks(context: Context) -> None:
    """Make the attempts that are due until the worker stops."""
    if not context.services.settings.auth.secret.get_secret_value():
        # Others may have it; this one could sign nothing.
        _log.warning("webhooks_left_to_others", advice=_ADVICE)
        return
    sender = Sender(context.services.address_policy)
    running: set[asyncio.Task[None]] = set()
    try:
        while not context.stopping.is_set():
            running |= await _begun(context, sender, SLOTS - len(running))
            running = await _waited(running)
            # More may end together, and are followed by one look for all of them.
            await asyncio.sleep(BREATH.total_seconds())
        while running:
            running = await _waited(running)
    finally:
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
        await sender.close()


async def _begun(context: Context, sender: Sender, free: int) -> "set[asyncio.Task[None]]":
    """Begin as many attempts as are due and there is room for."""
    if not free:
        return set()
    try:
        due = await context.services.webhooks.claim(BOUNDS, limit=free)
    except DatabaseError as error:
        _log.warning("webhooks_not_read", error=str(error), advice="check the database")
        return set()
    return {asyncio.create_task(_attempt(context, sender, each)) for each in due}


async def _waited(running: "set[asyncio.Task[None]]") -> "set[asyncio.Task[None]]":
    """Return those that still run after one has ended, or after a while."""
    if not running:
        await asyncio.sleep(LOOK_EVERY.total_seconds())
        return running
    ended, going_on = await asyncio.wait(
        running, timeout=LOOK_EVERY.total_seconds(), return_when=asyncio.FIRST_COMPLETED
    )
    for task in ended:
        task.result()
    return going_on


async def _attempt(context: Context, sender: Sender, claimed: WebhookDelivery) -> None:
    """Make one attempt and write down how it ended."""
    # As a value: whatever a receiver brings about ends its attempt, and never the worker.
    [answer] = await asyncio.gather(_answer(sender, claimed), return_exceptions=True)
    if isinstance(answer, BaseException):
        _log.error("webhook_attempt_broken", exc_info=answer, advice="report this")
        answer = Answer(fault=Fault.INTERNAL)
    wait = None
    if answer.fault is not None:
        jitter = random.random()  # noqa: S311 - to spread, not to hide
        wait = next_wait(answer, tries=claimed.tries, age=claimed.age, jitter=jitter)
    try:
        status = await context.services.webhooks.settle(claimed, answer, wait=wait)
    except DatabaseError as error:
        # It is made once more when the claim has run out; the receiver knows it by its id.
        _log.warning("webhook_not_settled", delivery_id=claimed.delivery_id, error=str(error))
        return
    told = _log.warning if status is DeliveryStatus.FAILED else _log.info
    # The host alone: the rest of an address may be a secret.
    told(
        "webhook_attempted",
        delivery_id=claimed.delivery_id,
        history_id=claimed.history_id,
        host=urlsplit(claimed.url).hostname,
        status=status,
        http_status=answer.http_status,
        fault=answer.fault,
    )


async def _answer(sender: Sender, claimed: WebhookDelivery) -> Answer:
    if claimed.is_disabled:
        return Answer(fault=Fault.ACCOUNT_DISABLED)
    if claimed.tries > MAX_TRIES:
        return Answer(fault=Fault.INTERRUPTED)
    if not claimed.message.secrets:
        _log.error("webhook_unsigned", delivery_id=claimed.delivery_id, advice=_ADVICE)
        return Answer(fault=Fault.NO_SECRET)
    return await sender.send(claimed.url, claimed.message)
