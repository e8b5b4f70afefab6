"""What becomes of bandwidth that was set aside for somebody who has left."""

import asyncio

import httpx

from storage.rates import Bucket
from tests.support.postgres import Postgres
from tests.support.waiting import eventually
from tests.web.conftest import Serve
from tests.web.delivery.conftest import LARGE, path_of, reading

RATE = 1_600_000
AT_ONCE = 10


async def test_who_leaves_does_not_keep_what_the_others_could_be_sent(
    serve: Serve, postgres: Postgres
) -> None:
    """Each was to wait for a sixteenth of a second's bytes; together that is six seconds."""
    async with (
        serve(delivery={"total_bytes_per_s": RATE}) as site,
        reading(site, postgres) as reader,
    ):
        path = path_of(await reader.file(LARGE))

        for _ in range(10):
            await asyncio.gather(*(leave_at_once(reader.http, path) for _ in range(AT_ONCE)))
        await eventually(lambda: reader.active == 0)
        bucket = Bucket(f"{site.settings.storage.node}:total", RATE)
        wait_s = await site.front.services.rates.reserve([bucket], 1)

    assert wait_s < 1


async def leave_at_once(http: httpx.AsyncClient, path: str) -> None:
    async with http.stream("GET", path):
        pass
