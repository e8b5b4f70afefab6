"""Random faults for a fleet, by a seed: what dies, freezes or restarts, and for how long."""

import asyncio
import random
import signal
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import suppress

from tests.proof.fleet import Fleet, Part
from tests.support.service import Service


class Faults:
    """Strikes again and again until it is stopped; everything goes on afterwards."""

    def __init__(self, fleet: Fleet, seed: int, *, every_s: tuple[float, float]) -> None:
        self.struck: Counter[str] = Counter()
        self._fleet = fleet
        self._random = random.Random(seed)  # noqa: S311 - a seed makes it repeatable
        self._every_s = every_s
        self._struck_now: list[object] = []
        self._over = asyncio.Event()

    async def strike(self) -> None:
        """Strike until it is over, several at a time, but each target only when it is well.

        Returns when everything that was struck goes on.
        """
        async with asyncio.TaskGroup() as group:
            while not self._over.is_set():
                group.create_task(self._strike_once())
                await self._pass(self._random.uniform(*self._every_s))

    def end(self) -> None:
        """Let what is frozen go on, and strike no more."""
        self._over.set()

    async def _pass(self, seconds: float) -> None:
        """Let time pass, but not beyond the end."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._over.wait()

    async def _strike_once(self) -> None:
        fleet = self._fleet
        service = self._random.choice([fleet.postgres, fleet.valkey, fleet.rabbit])
        node = self._random.choice(fleet.parts[1:])
        pause_s = self._random.uniform(2, 8)
        title = type(service).__name__
        faults: list[tuple[str, object, Callable[[], Awaitable[None]]]] = [
            ("node killed", node, lambda: self._signal(node, signal.SIGKILL)),
            ("node stopped", node, lambda: self._signal(node, signal.SIGTERM)),
            ("node frozen", node, lambda: self._freeze(node, pause_s * 10)),
            ("web killed", fleet, lambda: self._signal(fleet.parts[0], signal.SIGKILL)),
            (f"{title} restarted", service, lambda: asyncio.to_thread(service.restart)),
            (f"{title} killed", service, lambda: self._kill(service)),
            (f"{title} frozen", service, lambda: self._pause(service, pause_s)),
        ]
        name, target, fault = self._random.choice(faults)
        if target in self._struck_now:
            return
        self._struck_now.append(target)
        self.struck[name] += 1
        try:
            await fault()
        finally:
            self._struck_now.remove(target)

    async def _signal(self, part: Part, number: signal.Signals) -> None:
        part.send(number)

    async def _freeze(self, part: Part, pause_s: float) -> None:
        part.send(signal.SIGSTOP)
        await self._pass(pause_s)
        part.send(signal.SIGCONT)

    async def _kill(self, service: Service) -> None:
        def again() -> None:
            service.kill()
            service.start()

        await asyncio.to_thread(again)

    async def _pause(self, service: Service, pause_s: float) -> None:
        service.pause()
        await self._pass(pause_s)
        service.resume()
