"""Links that outlive a pause: a paused save, a player's seek, and what ends them all the same."""

from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import AsyncExitStack

import httpx
import pytest

from tests.support.postgres import Postgres
from tests.support.waiting import eventually
from tests.web.conftest import PASSWORD, Serve
from tests.web.delivery.conftest import CONTENT, Reader, reading

PART = {"Range": "bytes=0-99"}
REST = {"Range": "bytes=100-"}
SHORT: dict[str, object] = {"ticket_ttl_s": 2, "ticket_idle_s": 600, "ticket_max_s": 600}

Begin = Callable[..., Awaitable[tuple[Reader, int, str]]]


@pytest.fixture
async def begin(serve: Serve, postgres: Postgres) -> AsyncGenerator[Begin]:
    """Return how to get a link whose time is over, and with which a transfer has begun."""
    async with AsyncExitStack() as stack:

        async def begun(**delivery: object) -> tuple[Reader, int, str]:
            site = await stack.enter_async_context(serve(delivery=SHORT | delivery))
            reader = await stack.enter_async_context(reading(site, postgres))
            history_id, unused_id = await reader.file(), await reader.file()

            async def started() -> tuple[str, str] | None:
                path, unused = await link(reader, history_id), await link(reader, unused_id)
                answer = await stranger(reader, path, PART)
                return (path, unused) if answer.status_code == 206 else None

            path, unused = await eventually(started)
            await eventually(lambda: is_over(reader, unused))
            return reader, history_id, path

        yield begun


async def link(reader: Reader, history_id: int) -> str:
    answer = await reader.http.post("/download/file-ticket", json={"history_id": history_id})
    return f"/download/file?ticket={answer.json()['ticket']}"


async def stranger(
    reader: Reader, path: str, headers: dict[str, str] | None = None, *, method: str = "GET"
) -> httpx.Response:
    async with httpx.AsyncClient(base_url=reader.http.base_url, timeout=30) as client:
        return await client.request(method, path, headers=headers)


async def is_over(reader: Reader, path: str) -> bool:
    return (await stranger(reader, path, method="HEAD")).status_code == 403


async def test_a_paused_save_goes_on_when_the_links_time_is_over(begin: Begin) -> None:
    reader, _, path = await begin()

    rest = await stranger(reader, path, REST)

    assert (rest.status_code, rest.content) == (206, CONTENT[100:])


async def test_it_ends_when_nobody_uses_it(begin: Begin) -> None:
    reader, _, path = await begin(ticket_idle_s=1)

    over = await eventually(lambda: is_over(reader, path))

    assert over
    assert (await stranger(reader, path, REST)).status_code == 403


async def test_it_ends_at_last_however_much_it_is_used(begin: Begin) -> None:
    reader, _, path = await begin(ticket_max_s=4)

    async def refused() -> bool:
        return (await stranger(reader, path, PART)).status_code == 403

    assert await eventually(refused)


async def test_a_maximum_of_nothing_leaves_links_as_short_as_they_are(
    serve: Serve, postgres: Postgres
) -> None:
    async with (
        serve(delivery=SHORT | {"ticket_max_s": 0}) as site,
        reading(site, postgres) as reader,
    ):
        path = await link(reader, await reader.file())
        await stranger(reader, path, PART)

        assert await eventually(lambda: is_over(reader, path))


async def delete(reader: Reader, history_id: int) -> None:
    assert (await reader.http.delete(f"/user/history/{history_id}")).status_code == 204


async def change_password(reader: Reader, _: int) -> None:
    wanted = {"current_password": PASSWORD, "new_password": "another horse battery"}
    assert (await reader.http.put("/auth/password", json=wanted)).status_code == 204


async def log_out(reader: Reader, _: int) -> None:
    assert (await reader.http.post("/auth/logout")).status_code == 204


@pytest.mark.parametrize(("end", "status"), [(delete, 410), (change_password, 403), (log_out, 403)])
async def test_what_ends_a_link_ends_one_that_goes_on(
    begin: Begin, end: Callable[[Reader, int], Awaitable[None]], status: int
) -> None:
    reader, history_id, path = await begin()
    before = await stranger(reader, path, PART)

    await end(reader, history_id)

    assert before.status_code == 206
    assert (await stranger(reader, path, REST)).status_code == status


async def test_a_question_alone_begins_nothing(serve: Serve, postgres: Postgres) -> None:
    async with serve(delivery=SHORT) as site, reading(site, postgres) as reader:
        path = await link(reader, await reader.file())
        size = len(CONTENT)
        await stranger(reader, path, method="HEAD")
        await stranger(reader, path, {"Range": f"bytes={size}-"})

        assert await eventually(lambda: is_over(reader, path))
