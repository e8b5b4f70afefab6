"""A download is accepted whatever becomes of the broker, and ends after the broker's return."""

import asyncio
import shutil
from collections.abc import AsyncGenerator, Callable, Generator
from pathlib import Path

import pytest

from tests.proof.clients import Clients
from tests.proof.fleet import Fleet
from tests.support.rabbit import Rabbit
from tests.support.site import Site
from tests.support.waiting import eventually

JOBS = 8


@pytest.fixture(scope="module")
def fleet(rabbit: Rabbit, tmp_path_factory: pytest.TempPathFactory) -> Generator[Fleet]:
    del rabbit  # Only to be left out where RabbitMQ is not installed.
    with Fleet(tmp_path_factory.mktemp("fleet")) as fleet:
        yield fleet


@pytest.fixture
async def clients(fleet: Fleet, site: Site, tmp_path: Path) -> AsyncGenerator[Clients]:
    base_url = f"http://127.0.0.1:{fleet.port}/api/v1"
    clients = Clients(base_url, site, seed=1, journal=tmp_path / "journal.jsonl")
    await clients.join()
    yield clients
    await clients.close()


def stop(rabbit: Rabbit) -> None:
    rabbit.stop()


def start(rabbit: Rabbit) -> None:
    rabbit.start()


def alarm(rabbit: Rabbit) -> None:
    rabbit.control("set_disk_free_limit", "900000GB")


def calm(rabbit: Rabbit) -> None:
    rabbit.control("set_disk_free_limit", "1MB")


def freeze(rabbit: Rabbit) -> None:
    rabbit.pause()


def thaw(rabbit: Rabbit) -> None:
    rabbit.resume()


def wipe_and_start(rabbit: Rabbit) -> None:
    shutil.rmtree(rabbit.folder / "mnesia")
    rabbit.start()


@pytest.mark.parametrize(
    ("strike", "mend"),
    [(stop, start), (alarm, calm), (freeze, thaw), (stop, wipe_and_start)],
    ids=["stopped", "alarmed", "frozen", "wiped"],
)
async def test_what_is_accepted_without_the_broker_ends_after_its_return(
    fleet: Fleet,
    clients: Clients,
    site: Site,
    strike: Callable[[Rabbit], None],
    mend: Callable[[Rabbit], None],
) -> None:
    await asyncio.to_thread(strike, fleet.rabbit)
    answers = [await clients.submit(site.clip_url(number)) for number in range(JOBS)]
    await asyncio.to_thread(mend, fleet.rabbit)

    assert [answer.status_code for answer in answers] == [202] * JOBS
    ids = ",".join(str(answer.json()["history_id"]) for answer in answers)

    def ended() -> bool:
        where = f"history_id IN ({ids}) AND status IN (1, 3)"
        return fleet.ask(f"SELECT count(*) FROM download_history WHERE {where}") == str(JOBS)

    await eventually(ended, timeout_s=120)
