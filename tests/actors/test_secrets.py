"""A search for every secret through whatever could show it, after every way to fail."""

import asyncio
import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from functools import partial
from importlib import import_module
from typing import Any

import psutil

from domain.states import Status
from storage.redis_door import connect as connect_to_redis
from tests.support.commands import vasset
from tests.support.dead_proxy import DeadProxy
from tests.support.provider import Mood, Provider
from tests.support.proxy import ForwardProxy
from tests.support.site import Site
from tests.support.station import Station

PROXY_PASSWORD = "pr0xy-canary-1"
PROVIDER_KEY = "k3y-canary-2"
COOKIE = "c00kie-canary-3"
AUTH_SECRET = "auth-s3cret-canary-4-of-thirty-two-bytes"
URL_TOKEN = "url-t0ken-canary-5"
SECRETS = (PROXY_PASSWORD, PROVIDER_KEY, COOKIE, AUTH_SECRET)
SAMPLE_EVERY_S = 0.05


@asynccontextmanager
async def sampled(worker: int) -> AsyncGenerator[set[str]]:
    """Yield what all processes below a worker show of themselves while the block runs."""
    shown: set[str] = set()

    async def sample() -> None:
        while True:
            for process in psutil.Process(worker).children(recursive=True):
                try:
                    shown.add(" ".join(process.cmdline()))
                    shown.add(json.dumps(process.environ()))
                except psutil.Error:
                    continue
            await asyncio.sleep(SAMPLE_EVERY_S)

    task = asyncio.create_task(sample())
    try:
        yield shown
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def tables_of(url: str) -> dict[str, str]:
    """Return every table of a database as one text."""
    driver: Any = import_module("asyncpg")  # It has no types.
    connection = await driver.connect(url.replace("+asyncpg", ""))
    try:
        names = await connection.fetch(
            "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"
        )
        return {name: str(await connection.fetch(f'SELECT * FROM "{name}"')) for (name,) in names}
    finally:
        await connection.close()


async def keys_of(url: str) -> dict[str, str]:
    """Return every key of a Redis with its value as a text."""
    redis: Any = connect_to_redis(url)
    kept: dict[str, str] = {}
    async for key in redis.scan_iter("*", 1_000):
        kind = await redis.type(key)
        read: dict[str, Any] = {
            "hash": redis.hgetall,
            "string": redis.get,
            "set": redis.smembers,
            "list": partial(redis.lrange, start=0, end=-1),
            "zset": partial(redis.zrange, start=0, end=-1),
        }
        if kind in read:
            kept[str(key)] = str(await read[kind](key))
    await redis.aclose()
    return kept


async def test_no_secret_stands_where_somebody_could_read_it(
    idle_station: Station, site: Site
) -> None:
    settings = idle_station.services.settings
    dead = DeadProxy()
    dead.url = dead.url.replace("password", PROXY_PASSWORD)
    fleet = {
        "VASSET_DATABASE__URL": settings.database.url.get_secret_value(),
        "VASSET_AUTH__SECRET": AUTH_SECRET,
    }
    line = f"127.0.0.1\tFALSE\t/\tFALSE\t2000000000\tsession\t{COOKIE}\n"
    told = [vasset("cookies", "add", "127.0.0.1", "-", said=line, **fleet)]
    paths = ["/clips/99.mp4", "/status/404", "/status/503", "/lies.mp4", "/watch/99", "/audio.m4a"]
    with ForwardProxy(password=PROXY_PASSWORD) as proxy, dead:
        rented = [dead.url, proxy.url, proxy.url]
        with Provider(rented, key=PROVIDER_KEY) as third_party:
            third_party.script(Mood.UNAUTHORIZED, Mood.HTML, Mood.WRONG_ADDRESS)
            worker = await idle_station.start_worker(
                VASSET_PROXY__PROVIDER="http",
                VASSET_PROXY__ENDPOINT=third_party.endpoint,
                VASSET_PROXY__API_KEY=PROVIDER_KEY,
                VASSET_PROXY__KEY_IN="query:key",
                VASSET_AUTH__SECRET=AUTH_SECRET,
                VASSET_LOG__LEVEL="debug",
                VASSET_DOWNLOADS__MAX_ATTEMPTS="2",
            )
            async with sampled(worker.process.pid) as shown:
                ids = [await idle_station.submit(site.url(p, token=URL_TOKEN)) for p in paths]
                ids.append(await idle_station.submit(site.url("/redirect", to="http://[::1]/x")))
                rows = [await idle_station.ended(history_id, 60) for history_id in ids]
    told += [vasset("cookies", "list", "--json", **fleet), vasset("node", "list", **fleet)]

    places = {
        "the log": worker.log.read_text(),
        "the processes": "\n".join(shown),
        "the commands": "".join(done.stdout + done.stderr for done in told),
        **await keys_of(settings.redis.url.get_secret_value()),
        **await keys_of(settings.broker.url.get_secret_value()),
        **await tables_of(settings.database.url.get_secret_value()),
    }
    found = [(place, word) for place, text in places.items() for word in SECRETS if word in text]
    assert {row["status"] for row in rows} == {Status.PENDING_CLEANUP, Status.FAILED}
    assert found == []
    # The search can find: what must stand there does.
    assert URL_TOKEN in places["download_history"]
    assert "exit_cools_down" in places["the log"]
    assert "ytdlp.server" in places["the processes"]
    assert URL_TOKEN not in places["the log"] + places["the processes"]
