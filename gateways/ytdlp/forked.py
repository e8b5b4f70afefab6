"""A forked child as its server sees it."""

import os
import socket
from dataclasses import dataclass


@dataclass(slots=True, kw_only=True)
class Child:
    """A forked child, from the fork until it and its group are reaped.

    Attributes:
        job: None while it waits for an order.
        kill_at: When its group is killed; None for never.
    """

    pid: int
    orders: socket.socket
    job: int | None = None
    kill_at: float | None = None

    def signal_group(self, number: int) -> None:
        """Send a signal to the child and all that it started; it must not be reaped yet."""
        try:
            os.killpg(self.pid, number)
        except ProcessLookupError:
            # Forked this instant, it has not founded its group yet, and so started nothing.
            os.kill(self.pid, number)
