"""The desk: what a web process delivers with."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import httpx

from runtime.services import Services
from storage.slots import SlotLimits
from storage.ticket_uses import TicketUses
from web.delivery.admission import Admission
from web.delivery.continuations import Continuations
from web.delivery.pacing import Pacing
from web.delivery.tallies import Tallies
from web.delivery.tickets import Tickets

NODE_TIMEOUT_S = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """Everything that the routes of delivery work with.

    Attributes:
        nodes: Asks other nodes for what they keep.
    """

    tickets: Tickets
    continuations: Continuations
    admission: Admission
    pacing: Pacing
    tallies: Tallies
    nodes: httpx.AsyncClient


@asynccontextmanager
async def open_desk(services: Services) -> AsyncGenerator[Desk]:
    """Yield the desk of this process; leases are renewed and counts written meanwhile."""
    settings = services.settings
    limits = SlotLimits(
        per_node=settings.delivery.max_concurrent, per_user=settings.delivery.per_user_concurrent
    )
    tickets = Tickets(settings.auth.secret.get_secret_value())
    desk = Desk(
        tickets=tickets,
        continuations=Continuations(TicketUses(services.redis), tickets, settings.delivery),
        admission=Admission(services.slots, limits),
        pacing=Pacing(services.rates, settings.delivery, node=settings.storage.node),
        tallies=Tallies(services.deliveries),
        # As many connections as there are slots; a ticket in the address is enough.
        nodes=httpx.AsyncClient(
            timeout=NODE_TIMEOUT_S, limits=httpx.Limits(max_connections=None), trust_env=False
        ),
    )
    async with desk.nodes, desk.admission.kept_up(), desk.tallies.kept_up():
        yield desk
