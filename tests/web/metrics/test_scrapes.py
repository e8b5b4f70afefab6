"""One reading for a crowd of scrapers."""

import asyncio

from tests.support.waiting import eventually
from web.metrics.scrapes import Scrapes


async def test_a_crowd_is_one_reading_though_the_first_goes_away() -> None:
    scrapes, go, readings = Scrapes(), asyncio.Event(), list[str]()

    async def read() -> bytes:
        readings.append("begun")
        await go.wait()
        return str(len(readings)).encode()

    crowd = [asyncio.create_task(scrapes.text(read)) for _ in range(100)]
    await eventually(lambda: readings)
    crowd[0].cancel()
    await asyncio.wait([crowd[0]])
    go.set()
    answers = await asyncio.gather(*crowd[1:])
    later = await scrapes.text(read)

    assert set(answers) == {b"1"}
    assert later == b"2"


async def test_what_is_being_read_ends_with_the_process() -> None:
    scrapes, readings = Scrapes(), list[str]()

    async def read() -> bytes:
        readings.append("begun")
        return await asyncio.get_running_loop().create_future()

    scrape = asyncio.create_task(scrapes.text(read))
    await eventually(lambda: readings)

    await scrapes.close()

    await asyncio.wait([scrape])
    assert scrape.cancelled()
