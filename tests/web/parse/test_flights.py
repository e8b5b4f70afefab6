"""One look for all who ask, whatever dies meanwhile, and no more than fair."""

import asyncio
import signal
from pathlib import Path

import httpx
import pytest

from tests.support.ports import free_port
from tests.support.shelf import Shelf
from tests.support.valkey import Valkey
from tests.support.waiting import eventually
from tests.web.conftest import serving
from tests.web.parse.served import Parsing, all_landed, begun, code, keys, served, waiting


async def test_a_hundred_same_questions_are_one_look(working: Parsing, shelf: Shelf) -> None:
    shelf.delay_s = 0.5

    answers = await asyncio.gather(*(working.ask(shelf.url("/feed")) for _ in range(100)))

    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.text for answer in answers}) == 1
    assert len(shelf.requests_for("/feed")) == 1


async def test_two_web_processes_wait_for_one_look(working: Parsing, shelf: Shelf) -> None:
    shelf.delay_s = 0.5
    settings = working.site.settings
    elsewhere = settings.server.model_copy(update={"port": free_port()})

    async with (
        serving(settings.model_copy(update={"server": elsewhere})) as second,
        httpx.AsyncClient(base_url=f"{second.url}/api/v1", timeout=60) as client,
    ):
        client.headers["Authorization"] = f"Bearer {working.member.token}"
        asked = {"url": shelf.url("/feed")}
        answers = await asyncio.gather(
            *(working.ask(**asked) for _ in range(5)),
            *(client.post("/parse", json=asked) for _ in range(5)),
        )

    assert {answer.status_code for answer in answers} == {200}
    assert len(shelf.requests_for("/feed")) == 1


async def test_what_is_known_is_answered_without_a_worker(parsing: Parsing, shelf: Shelf) -> None:
    worker = await parsing.station.start_worker()
    first = await parsing.ask(shelf.url("/feed"))
    worker.stop(signal.SIGKILL)

    again = await parsing.ask(shelf.url("/feed").replace("http://", "HTTP://"))

    assert again.status_code == 200
    assert again.content == first.content
    assert len(shelf.requests_for("/feed")) == 1


async def test_refresh_looks_again_once_for_all_who_ask(working: Parsing, shelf: Shelf) -> None:
    await working.ask(shelf.url("/feed"))
    shelf.delay_s = 0.5

    answers = await asyncio.gather(
        *(working.ask(shelf.url("/feed"), refresh=True) for _ in range(10))
    )

    assert {answer.status_code for answer in answers} == {200}
    assert len(shelf.requests_for("/feed")) == 2


async def test_nobody_answers_in_time(parsing: Parsing, shelf: Shelf) -> None:
    answer = await parsing.ask(shelf.url("/feed"))

    assert code(answer) == (503, "timed_out")
    assert int(answer.headers["Retry-After"]) > 0
    await eventually(lambda: all_landed(parsing), what="the end of the flight")


async def test_a_site_that_does_not_answer_in_time_is_timed_out(
    parsing: Parsing, shelf: Shelf
) -> None:
    await parsing.station.start_worker()
    shelf.delay_s = 60

    late = await parsing.ask(shelf.url("/feed"))
    shelf.delay_s = 0
    other = await parsing.ask(shelf.url("/inside"))

    assert code(late) == (503, "timed_out")
    assert other.status_code == 200
    await eventually(
        lambda: not shelf.requests_for("/feed")[0].is_open, what="the end of the late request"
    )
    await eventually(lambda: all_landed(parsing), what="the end of the flight")


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
async def test_the_look_of_a_worker_that_ends_is_taken_by_another_for_the_same_question(
    database_url: str, valkey: Valkey, tmp_path: Path, shelf: Shelf, number: signal.Signals
) -> None:
    async with served(database_url, keys(valkey, 9), tmp_path, parse_timeout_s=50) as parsing:
        worker = await parsing.station.start_worker()
        shelf.delay_s = 60
        asking = await begun(parsing, shelf, "/feed")
        shelf.delay_s = 0

        await asyncio.to_thread(worker.stop, number)
        await parsing.station.start_worker()
        answer = await asking

    assert answer.status_code == 200
    assert len(shelf.requests_for("/feed")) == 2


async def test_a_user_has_few_addresses_looked_at_at_once(parsing: Parsing, shelf: Shelf) -> None:
    async def two() -> bool:
        return len(await waiting(parsing)) == 2

    asking = [
        asyncio.create_task(parsing.ask(shelf.url("/feed", items=number))) for number in (1, 2)
    ]
    await eventually(two, what="two flights")

    third = await parsing.ask(shelf.url("/feed", items=3))
    joined = await parsing.ask(shelf.url("/feed", items=1))
    await asyncio.gather(*asking)

    assert code(third) == (429, "rate_limited")
    assert "Retry-After" in third.headers
    assert code(joined) == (503, "timed_out")


async def test_without_redis_it_is_answered_so_and_goes_on_when_redis_is_back(
    database_url: str, tmp_path: Path, shelf: Shelf
) -> None:
    with Valkey() as own:
        async with served(database_url, own.url, tmp_path) as parsing:
            await parsing.station.start_worker()
            own.kill()
            away = await parsing.ask(shelf.url("/feed"))
            own.start()

            async def answered() -> httpx.Response | None:
                answer = await parsing.ask(shelf.url("/feed"))
                return answer if answer.status_code == 200 else None

            back = await eventually(answered, timeout_s=60, what="an answer")

    assert code(away) == (503, "unavailable")
    assert "Retry-After" in away.headers
    assert back is not None
