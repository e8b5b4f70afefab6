import asyncio

import pytest

from storage.feed import Heard
from web.progress.outbox import MAX_WAITING, Outbox


def figures(seq: int, history_id: int = 1) -> Heard:
    return Heard(seq=seq, user_id=1, history_id=history_id, message={"type": "progress"})


def state(seq: int, history_id: int = 1) -> Heard:
    return Heard(seq=seq, user_id=1, history_id=history_id, message={"type": "state"})


@pytest.fixture
async def outbox() -> Outbox:
    return Outbox()


async def test_of_the_figures_only_the_newest_is_told(outbox: Outbox) -> None:
    for seq in range(1, 100):
        outbox.put(figures(seq))

    assert await outbox.next() == figures(99)


async def test_every_state_is_told_and_before_figures(outbox: Outbox) -> None:
    outbox.put(state(1))
    outbox.put(state(2))
    outbox.put(figures(3))
    outbox.put(state(4, history_id=2))

    told = [await outbox.next() for _ in range(4)]

    assert told == [state(1), state(2), state(4, history_id=2), figures(3)]


async def test_a_state_makes_older_figures_worthless(outbox: Outbox) -> None:
    outbox.put(figures(1))
    outbox.put(state(2))

    assert await outbox.next() == state(2)
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(outbox.next(), 0.05)


async def test_figures_of_one_download_come_four_times_a_second(outbox: Outbox) -> None:
    loop = asyncio.get_running_loop()
    start = loop.time()
    told = 0

    async def chatter() -> None:
        for seq in range(1_000):
            outbox.put(figures(seq))
            await asyncio.sleep(0.005)

    talking = asyncio.create_task(chatter())
    while loop.time() - start < 0.9:
        await outbox.next()
        told += 1
    talking.cancel()

    assert 3 <= told <= 5


async def test_a_state_does_not_wait_for_its_turn(outbox: Outbox) -> None:
    outbox.put(figures(1))
    await outbox.next()
    outbox.put(figures(2))
    waiting = asyncio.create_task(outbox.next())
    await asyncio.sleep(0.01)

    outbox.put(state(3))

    assert await asyncio.wait_for(waiting, 0.1) == state(3)


async def test_it_says_when_too_many_wait(outbox: Outbox) -> None:
    kept = [outbox.put(state(seq)) for seq in range(MAX_WAITING + 1)]
    figures_of_one = [outbox.put(figures(seq)) for seq in range(2)]
    outbox.clear()

    assert kept == [True] * MAX_WAITING + [False]
    assert figures_of_one == [False, False]
    assert outbox.put(figures(1))
    assert await outbox.next() == figures(1)


async def test_figures_of_many_do_not_wait_for_each_other(outbox: Outbox) -> None:
    for history_id in (1, 2, 1, 2):
        outbox.put(figures(history_id, history_id))
    outbox.put(figures(3, 3))

    told = [await outbox.next() for _ in range(3)]

    assert [heard.history_id for heard in told] == [1, 2, 3]
