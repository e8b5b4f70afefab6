"""The scheduler: periodiq sends the hourly tick."""

# pyright: reportUnknownMemberType=false, reportUnknownArgumentType=false
# pyright: reportUnknownVariableType=false
# dramatiq leaves the type of an actor's result open.

import signal
import sys

from dramatiq.broker import Broker
from periodiq import PeriodiqMiddleware, Scheduler

from actors.broker import open_broker
from actors.context import Context
from actors.declarations import declare
from runtime.settings import Settings

SKIP_DELAY_S = 3_000
"""A tick that waited longer behind a backlog is left to the next one; must be under an hour."""


def open_scheduled_broker(settings: Settings) -> Broker:
    """Return the broker whose actors know their schedule."""
    return open_broker(
        settings.broker.url.get_secret_value(), PeriodiqMiddleware(skip_delay=SKIP_DELAY_S)
    )


def run_scheduler(settings: Settings) -> int:
    """Send what is due by the clock until SIGTERM; the exit status.

    Two may run: a doubled tick does nothing twice. A broker that is away ends this process,
    and whoever supervises it starts it again.
    """

    def leave(_number: int, _frame: object) -> None:
        sys.exit(0)

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, leave)
    broker = open_scheduled_broker(settings)
    declare(broker, settings.storage.node, _no_context)
    periodic = [actor for actor in broker.actors.values() if "periodic" in actor.options]
    scheduler = Scheduler(actors=periodic)
    scheduler.schedule()
    scheduler.loop()
    return 0


def _no_context() -> Context:
    message = "the scheduler sends messages and works on none"
    raise AssertionError(message)
