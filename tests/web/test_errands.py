import asyncio

from web.errands import Errands, end


async def test_a_task_that_swallows_a_cancellation_is_ended_all_the_same() -> None:
    swallowed = 0

    async def stubborn() -> None:
        nonlocal swallowed
        while True:
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                swallowed += 1
                if swallowed > 2:
                    raise

    task = asyncio.create_task(stubborn())
    await asyncio.sleep(0)

    await asyncio.wait_for(end([task]), 30)

    assert task.cancelled()
    assert swallowed == 3


async def test_errands_are_done_before_the_end() -> None:
    errands = Errands()
    done: list[int] = []

    async def do() -> None:
        await asyncio.sleep(0.01)
        done.append(1)

    errands.run(do())
    await errands.close()

    assert done == [1]
