"""A process that publishes as workers do: progress of running downloads, by the real feed."""

import asyncio
import sys
import time

import uvloop

from domain.download import Progress
from domain.events import ProgressEvent
from domain.states import Stage
from storage.feed import Feed
from storage.redis_door import connect

TICK_S = 0.005


async def tell(redis_url: str, downloads: int, users: int, a_second: int, seconds: float) -> None:
    """Publish so many events a second, evenly, of one download after the other; tell how many.

    The download with the id n belongs to the user n modulo ``users``. When it was published
    stands where the bytes stand otherwise.
    """
    redis = connect(redis_url)
    feed = Feed(redis)
    start = time.monotonic()
    told = 0
    while (passed := time.monotonic() - start) < seconds:
        due = int(passed * a_second) - told
        numbers = range(told, told + due)
        await asyncio.gather(*(_publish(feed, n, downloads, users) for n in numbers))
        told += due
        await asyncio.sleep(TICK_S)
    await redis.aclose()
    sys.stdout.write(f"{told} {time.process_time()}\n")


async def _publish(feed: Feed, number: int, downloads: int, users: int) -> None:
    history_id = number % downloads + 1
    await feed.publish(
        ProgressEvent(
            history_id=history_id,
            user_id=history_id % users + 1,
            stage=Stage.FETCH,
            attempt=1,
            progress=Progress(
                downloaded_bytes=time.monotonic_ns(),
                total_bytes=2**62,
                percent=min(99.0, number / 10_000),
                speed_bps=1.5e6,
                eta_s=60.0,
            ),
        )
    )


if __name__ == "__main__":
    url, downloads, users, a_second, seconds = sys.argv[1:]
    uvloop.run(tell(url, int(downloads), int(users), int(a_second), float(seconds)))
