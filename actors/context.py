"""What the actors of one worker process share."""

import asyncio
from collections import defaultdict
from dataclasses import dataclass, field

from actors.pipeline import Wakeups
from domain.download import ProxyLease
from domain.states import Stage
from gateways.proxies.provider import Provider
from gateways.ytdlp.runner import Runner
from runtime.services import Services


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """A worker's services and hands.

    Attributes:
        holder: Names this process in the claims that it takes.
        on_trial: Whether it is there for one suspect alone, see ``actors/trial.py``.
        stopping: Set when the worker is asked to end; running stages then let go.
        rentals: Acquisitions of proxies under way; each ends by itself, whoever asked for it.
        cancels: For each download that runs here, what is set when it shall be cancelled.
    """

    services: Services
    wakeups: Wakeups
    runner: Runner
    provider: Provider
    holder: str
    on_trial: bool = False
    stopping: asyncio.Event
    rentals: set[asyncio.Task[ProxyLease]] = field(default_factory=set[asyncio.Task[ProxyLease]])
    cancels: defaultdict[int, asyncio.Event] = field(
        default_factory=lambda: defaultdict(asyncio.Event)
    )

    @property
    def node(self) -> str:
        """Return the name of this node."""
        return self.services.settings.storage.node

    async def give_turns(self) -> None:
        """Wake the downloads whose turn it is on this node, as many as it has free slots."""
        for history_id in await self.services.due.next_turns(self.services.turns):
            self.wakeups.send(Stage.ACQUIRE_PROXY, history_id, node=self.node)
