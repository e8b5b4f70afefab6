"""What only a real RabbitMQ can show: whose acknowledgement counts, who holds what, and when."""

# ruff: noqa: ANN401 - dramatiq's own message and consumer classes are private

import gc
import json
import shutil
import warnings
from collections.abc import Generator
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Any, cast

import pytest

from actors.broker import SHARED_QUEUE, BrokerFault, open_broker
from actors.pipeline import WakeUp, node_queue
from domain.states import Status
from tests.support.rabbit import Rabbit
from tests.support.site import Site
from tests.support.station import Worker, open_station
from tests.support.valkey import Valkey
from tests.support.waiting import eventually, eventually_sync

WAIT_MS = 500


@pytest.fixture
def broker(rabbit: Rabbit) -> Generator[Any]:
    """A broker of ours on the shared server, with an empty shared queue."""
    broker: Any = open_broker(rabbit.url)
    broker.declare_queue(SHARED_QUEUE, ensure=True)
    broker.flush(SHARED_QUEUE)
    yield broker
    # The test may have cut its connection.
    with suppress(*BrokerFault):
        broker.close()
    # pika leaves the socket of a cut connection to the garbage; here and now, not in some test.
    del broker
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        gc.collect()


def send(broker: Any, *numbers: int, queue: str = SHARED_QUEUE) -> None:
    for number in numbers:
        broker.enqueue(WakeUp(queue, "acquire_proxy", (number,), {}, {}))


def number_of(message: Any) -> int | None:
    return None if message is None else int(message.args[0])


def taken(consumer: Any) -> Any:
    """Return the next message, waiting for it."""
    return cast("Any", eventually_sync(lambda: next(consumer), timeout_s=60))


def test_two_nodes_share_what_waits_one_message_at_a_time(broker: Any) -> None:
    send(broker, 1, 2, 3)
    first = broker.consume(SHARED_QUEUE, prefetch=20, timeout=WAIT_MS)
    second = broker.consume(SHARED_QUEUE, prefetch=20, timeout=WAIT_MS)

    held = [number_of(taken(first)), number_of(next(first)), number_of(taken(second))]

    assert held == [1, None, 2]
    first.close()
    second.close()


def test_a_late_acknowledgement_takes_no_other_message_away(broker: Any, rabbit: Rabbit) -> None:
    send(broker, 1)
    worker = broker.consume(SHARED_QUEUE, timeout=WAIT_MS)
    late = taken(worker)
    rabbit.control("close_all_connections", "an operator did this")
    other = broker.consume(SHARED_QUEUE, timeout=WAIT_MS)
    assert number_of(taken(other)) == 1
    send(broker, 2)
    # The worker comes back; numbers of deliveries begin again, so 2 has the number that 1 had.
    worker = broker.consume(SHARED_QUEUE, timeout=WAIT_MS)
    assert number_of(taken(worker)) == 2

    worker.ack(late)
    worker.close()

    after = broker.consume(SHARED_QUEUE, timeout=WAIT_MS)
    assert number_of(taken(after)) == 2
    after.close()
    other.close()


def test_messages_survive_a_restart(broker: Any, rabbit: Rabbit) -> None:
    queue = node_queue("restarted")
    broker.declare_queue(queue, ensure=True)
    send(broker, 7, queue=queue)

    rabbit.restart()

    consumer = broker.consume(queue, timeout=WAIT_MS)
    assert number_of(taken(consumer)) == 7
    consumer.close()


async def test_a_fetch_that_outlasts_the_consumer_timeout_is_fetched_once(
    database_url: str, valkey: Valkey, site: Site, tmp_path: Path, rabbit: Rabbit
) -> None:
    del rabbit  # Only to be left out where RabbitMQ is not installed.
    site.forget()
    with Rabbit(consumer_timeout_s=2) as impatient:
        environment = {
            "VASSET_DATABASE__URL": database_url,
            "VASSET_REDIS__URL": valkey.url,
            "VASSET_BROKER__URL": impatient.url,
        }
        async with open_station(environment, tmp_path) as station:
            await station.start_worker()
            history_id = await station.submit(site.clip_url(95, bytes_per_s=10_000))

            row = await station.ended(history_id)

            assert (row["status"], row["attempts"]) == (Status.PENDING_CLEANUP, 1)
            assert len(site.requests_for("/clips/95.mp4")) == 2
            # That it did time out, or nothing was shown.
            log = impatient.folder / "output.log"
            await eventually(lambda: "delivery acknowledgement" in log.read_text())


def complaints(worker: Worker) -> list[dict[str, str]]:
    """Return what a worker has written above ``info``, but for what its settings bring about."""
    lines = [json.loads(line) for line in worker.log.read_text().splitlines()]
    return [
        line
        for line in lines
        if line["level"] != "info" and line["event"] != "webhooks_left_to_others"
    ]


def seconds_between(lines: list[dict[str, str]]) -> float:
    first, last = (datetime.fromisoformat(lines[i]["timestamp"]) for i in (0, -1))
    return (last - first).total_seconds()


async def test_a_wiped_broker_is_told_of_in_few_lines_and_a_stop_says_nothing_of_it(
    database_url: str, valkey: Valkey, site: Site, tmp_path: Path, rabbit: Rabbit
) -> None:
    del rabbit  # Only to be left out where RabbitMQ is not installed.
    with Rabbit() as own:
        environment = {
            "VASSET_DATABASE__URL": database_url,
            "VASSET_REDIS__URL": valkey.url,
            "VASSET_BROKER__URL": own.url,
        }
        async with open_station(environment, tmp_path) as station:
            worker = await station.start_worker()
            assert complaints(worker) == []

            own.kill()
            await eventually(lambda: "Consumer encountered" in worker.log.read_text())
            shutil.rmtree(own.folder / "mnesia")
            own.start()
            ended = await station.ended(await station.accept_silently(site.clip_url(96)), 90)
            told = complaints(worker)
            worker.stop()

            assert ended["status"] == Status.PENDING_CLEANUP
            # An error and a warning of pika, a consumer's error, and a wake-up that was not sent.
            assert len(told) <= 4 * (1 + seconds_between(told) // 30), told
            assert complaints(worker) == told
