"""The real services keep what they were given, and never outlive the tests."""

import subprocess
import sys
from collections.abc import Generator
from pathlib import Path

import httpx
import pika
import psutil
import pytest
import redis
from pika.adapters.blocking_connection import BlockingChannel

from tests.support.parts import MissingPartError, find_in_wheel, find_program
from tests.support.ports import is_listening
from tests.support.provider import Mood, Provider
from tests.support.services import Postgres, Rabbit, Valkey, running
from tests.support.waiting import eventually, eventually_sync

ROOT = Path(__file__).parents[2]
DIE_WITH_SERVICES = """
import os, signal
from tests.support.services import Postgres, Valkey, running
services = Postgres(), Valkey()
with running(*services):
    print(*(f"{service.pid} {service.folder}" for service in services), flush=True)
    os.kill(os.getpid(), signal.SIGKILL)
"""
PROXIES = ("http://user:password@127.0.0.1:1", "http://user:password@127.0.0.1:2")


@pytest.fixture
def provider() -> Generator[Provider]:
    with Provider(PROXIES) as made:
        yield made


@pytest.fixture
def renter(provider: Provider) -> Generator[httpx.Client]:
    with httpx.Client(trust_env=False, timeout=0.5, headers={"X-Api-Key": provider.key}) as made:
        yield made


def connect(valkey: Valkey) -> redis.Redis:
    return redis.Redis.from_url(  # pyright: ignore[reportUnknownMemberType] - untyped options
        valkey.url, socket_timeout=0.2
    )


def test_postgres_keeps_rows_through_restart_and_kill() -> None:
    with Postgres() as postgres:
        postgres.create_database("first")
        postgres.run_sql("CREATE TABLE kept AS SELECT 7 AS number", "first")
        postgres.restart()
        postgres.create_database("second", template="first")
        postgres.kill()
        postgres.start()

        assert postgres.run_sql("SELECT number FROM kept", "second") == "7"


def test_valkey_keeps_keys_through_restart_and_kill() -> None:
    with Valkey(append_only=True) as valkey, connect(valkey) as client:
        client.set("kept", "7")
        valkey.restart()
        client.set("more", "8")
        valkey.kill()
        valkey.start()

        assert client.mget("kept", "more") == [b"7", b"8"]


def test_a_paused_service_is_silent_and_goes_on() -> None:
    with Valkey() as valkey, connect(valkey) as client:
        valkey.pause()
        with pytest.raises(redis.TimeoutError):
            client.get("absent")
        valkey.resume()

        assert client.get("absent") is None


def test_rabbit_keeps_messages_through_a_kill(rabbit: Rabbit) -> None:
    with pika.BlockingConnection(pika.URLParameters(rabbit.url)) as connection:
        channel: BlockingChannel = connection.channel()
        channel.confirm_delivery()
        channel.queue_declare("kept", durable=True)
        durable = pika.BasicProperties(delivery_mode=pika.DeliveryMode.Persistent)
        channel.basic_publish("", "kept", b"7", durable)
    # It answers a declaration before its own log of it is on the disk.
    rabbit.control("eval", "mnesia:sync_log().")
    rabbit.kill()
    rabbit.start()

    with pika.BlockingConnection(pika.URLParameters(rabbit.url)) as connection:
        channel = connection.channel()
        assert channel.basic_get("kept", auto_ack=True)[2] == b"7"
        channel.queue_delete("kept")


def test_rabbit_opens_a_virtual_host(rabbit: Rabbit) -> None:
    url = rabbit.add_vhost("apart")

    with pika.BlockingConnection(pika.URLParameters(url)) as connection:
        assert connection.is_open
    rabbit.control("delete_vhost", "apart")


def test_nothing_is_left_of_a_service() -> None:
    valkey, postgres = Valkey(), Postgres()
    before = set(psutil.Process().children(recursive=True))

    with running(valkey, postgres):
        begun = set(psutil.Process().children(recursive=True)) - before
        assert {valkey.pid, postgres.pid} < {process.pid for process in begun}

    assert not [process for process in begun if process.is_running()]
    assert not is_listening(valkey.port)
    assert not valkey.folder.exists()
    assert not postgres.folder.exists()


def test_nothing_is_left_when_the_tests_are_killed() -> None:
    ended = subprocess.run(  # noqa: S603 - our own script
        [sys.executable, "-c", DIE_WITH_SERVICES],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )

    words = ended.stdout.split()
    assert len(words) == 4, ended.stderr
    for pid, folder in ((int(words[0]), words[1]), (int(words[2]), words[3])):
        eventually_sync(lambda pid=pid: not psutil.pid_exists(pid), what="the service's end")
        eventually_sync(lambda path=Path(folder): not path.exists(), what="its folder's end")


def test_a_service_does_not_take_another_for_itself() -> None:
    second = Valkey()

    with Valkey() as first:
        second.port = first.port
        with pytest.raises(RuntimeError, match="is taken"), second:
            pass

    assert not second.folder.exists()


def test_a_service_that_cannot_start_says_why() -> None:
    broken = Valkey()
    (broken.folder / "dump.rdb").write_bytes(b"not a dump")

    with pytest.raises(RuntimeError, match="Wrong signature"), broken:
        pass


def test_a_missing_part_names_its_remedy() -> None:
    with pytest.raises(MissingPartError, match="no-such-program is missing: install it"):
        find_program("no-such-program", "install it")
    with pytest.raises(MissingPartError, match="pip install no_such_wheel"):
        find_in_wheel("no_such_wheel", "bin/thing")


def test_the_provider_rents_in_turns_and_counts_what_comes_back(
    provider: Provider, renter: httpx.Client
) -> None:
    rented = [renter.get(provider.endpoint).json()["proxy"] for _ in range(3)]
    renter.delete(provider.endpoint)
    renter.post(provider.url("/release"), json={"proxy": rented[0]})

    assert rented == [PROXIES[0], PROXIES[1], PROXIES[0]]
    assert (len(provider.acquisitions), len(provider.releases)) == (3, 2)


def test_the_provider_takes_its_key_in_three_ways(provider: Provider) -> None:
    headers = ({"Authorization": f"Bearer {provider.key}"}, {"X-Api-Key": provider.key})

    with httpx.Client(trust_env=False, timeout=30) as client:
        by_header = [client.get(provider.endpoint, headers=each).status_code for each in headers]
        by_query = client.get(provider.endpoint, params={"key": provider.key}).status_code
        without = client.get(provider.endpoint).status_code

    assert (by_header, by_query, without) == ([200, 200], 200, 401)


def test_the_provider_follows_its_script(provider: Provider, renter: httpx.Client) -> None:
    provider.script(Mood.UNAUTHORIZED, Mood.UNPAID, Mood.BUSY, Mood.FAULT, Mood.REDIRECT, Mood.TEXT)

    answers = [renter.get(provider.endpoint) for _ in range(7)]

    assert [answer.status_code for answer in answers] == [401, 402, 429, 500, 302, 200, 200]
    assert answers[2].headers["retry-after"] == "1"
    assert answers[5].text.strip() in PROXIES


@pytest.mark.parametrize("mood", [Mood.SLOW, Mood.DRIP])
def test_a_slow_provider_outlasts_its_client(
    mood: Mood, provider: Provider, renter: httpx.Client
) -> None:
    provider.mood = mood

    with pytest.raises(httpx.ReadTimeout):
        renter.get(provider.endpoint)


async def test_eventually_returns_the_first_true_value() -> None:
    counted = iter(range(9))

    assert await eventually(lambda: next(counted)) == 1
    assert eventually_sync(lambda: next(counted)) == 2


async def test_eventually_tells_what_it_saw_last() -> None:
    with pytest.raises(AssertionError, match=r"a sign; last seen: \[\]"):
        await eventually(list[int], timeout_s=0.05, what="a sign")
