"""The pace: how often an account may do what it has no other bound for, in each web process.

What is done is written into the audit trail, which one account must not fill.
"""

from time import monotonic

from storage.submit_rate import LocalRate
from web.problems import TooManyError

CHANGES_PER_MINUTE = 120
"""Keys made and removed, and secrets of webhooks."""

TICKETS_PER_MINUTE = 1_200
"""A page of pictures or a player may want many links at once."""


class Pace:
    """Counts what accounts do, each kind by itself."""

    def __init__(self) -> None:
        self._changes = LocalRate(per_minute=CHANGES_PER_MINUTE)
        self._tickets = LocalRate(per_minute=TICKETS_PER_MINUTE)

    def change(self, user_id: int) -> None:
        """Count a change of an account.

        Raises:
            ProblemError: 429, there were too many.
        """
        _judge(self._changes.take(user_id, monotonic()))

    def ticket(self, user_id: int) -> None:
        """Count a link to a file.

        Raises:
            ProblemError: 429, there were too many.
        """
        _judge(self._tickets.take(user_id, monotonic()))


def _judge(wait_s: float) -> None:
    if wait_s > 0:
        raise TooManyError(wait_s, "Too many requests of this kind; wait a little.")
