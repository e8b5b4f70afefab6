"""Continuations: a link that began a transfer goes on for its file, through pauses and seeks."""

import asyncio

from domain.failures import FailureCode
from runtime import logs
from runtime.settings import Delivery
from storage.redis_door import RedisFault
from storage.ticket_uses import TicketUses
from web.delivery.tickets import Ticket, Tickets, Use
from web.problems import ProblemError

REDIS_TIMEOUT_S = 0.5
_OF_ONE_FILE = (Use.FILE, Use.FILE_HERE)

_log = logs.get("web.delivery.continuations")


class Continuations:
    """Knows which links are in use beyond their time.

    Redis holds the last use of each link, under the same name on every node. If Redis loses it,
    the link ends with its own time; no link outlives ``ticket_max_s``.
    """

    def __init__(self, uses: TicketUses, tickets: Tickets, settings: Delivery) -> None:
        self._uses = uses
        self._tickets = tickets
        self._idle_s = settings.ticket_idle_s
        self._more_s = max(0, settings.ticket_max_s - settings.ticket_ttl_s)

    @property
    def more_s(self) -> int:
        """Return how long after its own time a link may go on at most, in seconds."""
        return self._more_s

    async def note(self, ticket: Ticket, now: float) -> None:
        """Let a link go on from now on; without Redis it ends as if it had not been used."""
        keep_s = min(self._idle_s, int(ticket.ends_at + self._more_s - now))
        if ticket.use not in _OF_ONE_FILE or keep_s < 1:
            return
        try:
            async with asyncio.timeout(REDIS_TIMEOUT_S):
                await self._uses.note(self._tickets.fingerprint(ticket), keep_s)
        except (*RedisFault, TimeoutError) as error:
            _log.warning(
                "ticket_use_not_noted",
                error=type(error).__name__,
                advice="check Redis; until it is back links end after delivery.ticket_ttl_s",
            )

    async def holds(self, ticket: Ticket, now: float) -> bool:
        """Return whether a link may still be used.

        Raises:
            ProblemError: 503, its own time is over and Redis does not say whether it is in use.
        """
        if now < ticket.ends_at:
            return True
        if ticket.use not in _OF_ONE_FILE:
            return False
        try:
            async with asyncio.timeout(REDIS_TIMEOUT_S):
                return await self._uses.is_used(self._tickets.fingerprint(ticket))
        except (*RedisFault, TimeoutError) as error:
            detail = "Whether this ticket is still in use cannot be checked right now."
            raise ProblemError(503, FailureCode.UNAVAILABLE, detail) from error
