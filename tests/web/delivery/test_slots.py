"""How many files are sent at once: over streams, users, processes and deaths."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import pytest

from storage.slots import MAX_STREAMS
from tests.support.postgres import Postgres
from tests.support.valkey import Valkey
from tests.support.waiting import eventually
from tests.web.conftest import Serve, serving, settings_for
from tests.web.delivery.conftest import LARGE, Reader, descriptors, path_of, reading
from web.delivery import admission


@asynccontextmanager
async def two_processes(
    serve: Serve, postgres: Postgres, **delivery: object
) -> AsyncGenerator[tuple[Reader, Reader]]:
    """Yield one user at two web processes of one node."""
    async with (
        serve(delivery=delivery) as one,
        serve(delivery=delivery, auth={"secret": one.settings.auth.secret}) as other,
        reading(one, postgres) as reader,
    ):
        yield reader, Reader(site=other, member=reader.member, rows=reader.rows)


async def test_the_limit_of_the_node_holds_over_its_processes(
    serve: Serve, postgres: Postgres
) -> None:
    async with two_processes(serve, postgres, max_concurrent=2) as (here, there):
        first, second, third = [await here.file(LARGE) for _ in range(3)]
        async with here.stalled(path_of(first)), there.stalled(path_of(second)):
            await eventually(lambda: (here.active, there.active) == (1, 1))
            refused = await asyncio.wait_for(here.http.get(path_of(third)), 30)
            bare = await here.http.head(path_of(third))
            other = await here.http.get(
                f"{there.site.url}/api/v1{path_of(third)}",
            )
        await eventually(lambda: here.active + there.active == 0)
        served = await here.http.get(path_of(third))

    assert [refused.status_code, other.status_code] == [503, 503]
    assert refused.json()["code"] == "too_many_transfers"
    assert int(refused.headers["Retry-After"]) > 0
    assert (bare.status_code, served.status_code) == (200, 200)


async def test_a_user_has_a_limit_below_that_of_the_node(serve: Serve, postgres: Postgres) -> None:
    async with (
        two_processes(serve, postgres, per_user_concurrent=1) as (here, there),
        reading(here.site, postgres) as another,
    ):
        first, second = [await here.file(LARGE) for _ in range(2)]
        anothers = await another.file()
        async with there.stalled(path_of(first)):
            await eventually(lambda: there.active == 1)
            refused = await asyncio.wait_for(here.http.get(path_of(second)), 30)
            served = await another.http.get(path_of(anothers))

    assert (refused.status_code, refused.json()["code"]) == (429, "too_many_transfers")
    assert int(refused.headers["Retry-After"]) > 0
    assert served.status_code == 200


async def test_several_streams_of_one_file_are_one_slot(serve: Serve, postgres: Postgres) -> None:
    async with two_processes(serve, postgres, per_user_concurrent=1) as (here, there):
        history_id = await here.file(LARGE)
        async with AsyncExitStack() as stack:
            for number in range(MAX_STREAMS):
                by = (here, there)[number % 2]
                await stack.enter_async_context(by.stalled(path_of(history_id)))
            await eventually(lambda: here.active + there.active == MAX_STREAMS)
            refused = await asyncio.wait_for(here.http.get(path_of(history_id)), 30)

    assert refused.status_code == 429


async def test_a_slot_that_becomes_free_within_a_second_is_waited_for(
    serve: Serve, postgres: Postgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with (
        serve(delivery={"max_concurrent": 1}) as site,
        reading(site, postgres) as reader,
    ):
        first, second = [await reader.file(LARGE) for _ in range(2)]
        async with reader.stalled(path_of(first)) as connection:
            await eventually(lambda: reader.active == 1)
            # How long that second is here, is for the machine to say.
            monkeypatch.setattr(admission, "PATIENCE_S", 30)
            waiting = asyncio.create_task(reader.http.get(path_of(second)))
            await asyncio.sleep(0.3)
            connection.close()
            answer = await waiting

    assert answer.status_code == 200


async def test_five_hundred_aborted_transfers_leave_nothing(
    serve: Serve, postgres: Postgres, caplog: pytest.LogCaptureFixture
) -> None:
    async with serve() as site, reading(site, postgres) as reader:
        history_id = await reader.file(LARGE)
        before = await asyncio.to_thread(descriptors)

        for _ in range(50):
            async with AsyncExitStack() as stack:
                for _ in range(10):
                    await stack.enter_async_context(reader.stalled(path_of(history_id)))
        await eventually(lambda: reader.active == 0)
        in_redis = await site.front.services.slots.active("node-a")
        answer = await reader.http.get(path_of(history_id))
        after = await asyncio.to_thread(descriptors)

    assert (in_redis, answer.status_code) == (0, 200)
    assert after <= before + 5
    assert [record.getMessage() for record in caplog.records if record.levelname == "ERROR"] == []


async def test_what_takes_no_bytes_takes_no_slot(serve: Serve, postgres: Postgres) -> None:
    async with (
        serve(delivery={"max_concurrent": 1}) as site,
        reading(site, postgres) as reader,
    ):
        first, second = [await reader.file(LARGE) for _ in range(2)]
        async with reader.stalled(path_of(first)):
            await eventually(lambda: reader.active == 1)
            etag = (await reader.http.head(path_of(second))).headers["ETag"]
            answers = [
                await reader.http.get(path_of(second), headers=headers)
                for headers in ({"If-None-Match": etag}, {"Range": "bytes=99999999-"})
            ]

    assert [answer.status_code for answer in answers] == [304, 416]


async def test_without_redis_each_process_counts_alone(
    postgres: Postgres, database_url: str, tmp_path: Path
) -> None:
    with Valkey() as own:
        settings = settings_for(
            database_url, own.url, tmp_path / "root", delivery={"max_concurrent": 1}
        )
        async with serving(settings) as site, reading(site, postgres) as reader:
            first, second = [await reader.file(LARGE) for _ in range(2)]
            own.stop()
            async with reader.stalled(path_of(first)):
                await eventually(lambda: reader.active == 1)
                refused = await asyncio.wait_for(reader.http.get(path_of(second)), 30)
            await eventually(lambda: reader.active == 0)
            served = await reader.http.get(path_of(second))

    assert (refused.status_code, served.status_code) == (503, 200)
