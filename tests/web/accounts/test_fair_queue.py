"""Who waits for a turn, who goes first, and who is sent away."""

import asyncio

import pytest

from web.accounts.fair_queue import FairQueue, Origin, QueueFullError

FLOOD, HONEST = Origin(network="flood"), Origin(network="home")
KNOWN = Origin(network="home", is_known=True)


class Crowd:
    """Requests that enter a queue of one place, each noted when it gets its turn."""

    def __init__(self, waiting: int) -> None:
        self.queue = FairQueue(at_once=1, waiting=waiting)
        self.served: list[str] = []
        self.tasks: dict[str, asyncio.Task[None]] = {}

    async def come(self, name: str, origin: Origin) -> None:
        self.tasks[name] = asyncio.create_task(self._enter(name, origin))
        await asyncio.sleep(0)

    async def _enter(self, name: str, origin: Origin) -> None:
        await self.queue.enter(origin)
        self.served.append(name)

    async def serve(self, number: int) -> None:
        for _ in range(number):
            self.queue.leave()
            await asyncio.sleep(0)

    def refused(self) -> list[str]:
        done = {name: task for name, task in self.tasks.items() if task.done()}
        return [name for name, task in done.items() if _is_refused(task)]

    async def close(self) -> None:
        for task in self.tasks.values():
            task.cancel()
        await asyncio.gather(*self.tasks.values(), return_exceptions=True)


def _is_refused(task: "asyncio.Task[None]") -> bool:
    return not task.cancelled() and isinstance(task.exception(), QueueFullError)


async def test_a_flood_does_not_hold_up_another_network() -> None:
    crowd = Crowd(waiting=10)
    for number in range(6):
        await crowd.come(f"flood{number}", FLOOD)
    await crowd.come("honest", HONEST)

    await crowd.serve(2)

    assert crowd.served == ["flood0", "flood1", "honest"]
    await crowd.close()


async def test_one_from_another_network_takes_a_place_of_a_full_flood() -> None:
    crowd = Crowd(waiting=4)
    for number in range(6):
        await crowd.come(f"flood{number}", FLOOD)
    await crowd.come("honest", HONEST)

    await crowd.serve(2)

    assert crowd.refused() == ["flood4", "flood5"]
    assert "honest" in crowd.served
    await crowd.close()


async def test_a_known_network_goes_before_any_number_of_strangers() -> None:
    crowd = Crowd(waiting=4)
    for number in range(6):
        await crowd.come(f"stranger{number}", Origin(network=f"net{number}"))
    await crowd.come("known", KNOWN)

    await crowd.serve(1)

    assert crowd.served == ["stranger0", "known"]
    assert crowd.refused() == ["stranger1", "stranger5"]
    await crowd.close()


async def test_a_known_network_is_not_sent_away_for_a_stranger() -> None:
    crowd = Crowd(waiting=2)
    for number in range(3):
        await crowd.come(f"known{number}", KNOWN)

    await crowd.come("stranger", FLOOD)
    await crowd.serve(2)

    assert crowd.served == ["known0", "known1", "known2"]
    assert crowd.refused() == ["stranger"]
    await crowd.close()


@pytest.mark.parametrize("given", [False, True], ids=["still waiting", "turn given"])
async def test_one_who_goes_away_keeps_no_turn(*, given: bool) -> None:
    crowd = Crowd(waiting=4)
    for name in ("first", "second", "third"):
        await crowd.come(name, FLOOD)

    if given:
        crowd.queue.leave()
    crowd.tasks["second"].cancel()
    await asyncio.gather(crowd.tasks["second"], return_exceptions=True)
    if not given:
        crowd.queue.leave()
    await asyncio.sleep(0)

    assert crowd.served == ["first", "third"]
    await crowd.close()
