"""How many descriptors they can make the process hold who are not sent anything."""

import asyncio

from tests.support.postgres import Postgres
from tests.support.waiting import eventually
from tests.web.conftest import Serve
from tests.web.delivery.conftest import LARGE, descriptors, path_of, reading

FILES, REQUESTS = 30, 10


async def test_an_archive_that_waits_for_a_slot_holds_none_of_its_files(
    serve: Serve, postgres: Postgres
) -> None:
    async with (
        serve(delivery={"max_concurrent": 1}) as site,
        reading(site, postgres) as reader,
    ):
        film = await reader.file(LARGE)
        ids = ",".join([str(await reader.file(b"")) for _ in range(FILES)])
        async with reader.stalled(path_of(film)):
            await eventually(lambda: reader.active == 1)
            before, most = descriptors(), 0
            asking = [
                asyncio.create_task(reader.http.get(f"/download/archive?ids={ids}"))
                for _ in range(REQUESTS)
            ]
            while not all(task.done() for task in asking):
                most = max(most, descriptors())
                await asyncio.sleep(0.02)

    assert {task.result().status_code for task in asking} == {503}
    # Each has a connection, of which this process holds both ends, and perhaps one to a service.
    assert most - before < 5 * REQUESTS < FILES * REQUESTS
