"""The doctor's look at the servers, the disk and what stands outside."""

import time
from datetime import datetime, timedelta
from typing import Any, cast

import pika
from pika.exceptions import AMQPError
from redis.asyncio import Redis

from domain.failures import ProxyUnavailableError
from runtime.services import provider_of
from runtime.settings import Settings
from storage.files import Files, RootMissingError
from storage.redis_door import RedisFault, connect
from vasset import direct
from vasset.findings import Finding, well, wrong

_TIMEOUT_S = 5
_CLOCK_TOLERANCE = timedelta(seconds=2)
"""A claim lasts longer, but tokens and log lines should agree."""

_UNSET = "no address is set"
_START = "run `vasset up`, or set {}.url"


async def database(settings: Settings) -> Finding:
    """Return whether PostgreSQL answers and has our schema."""
    url = settings.database.url.get_secret_value()
    if not url:
        return wrong("database", _UNSET, _START.format("database"))
    try:
        version, schema = await direct.ask(
            url, "SHOW server_version", "SELECT to_regclass('nodes')"
        )
    except direct.FAULTS as error:
        return wrong("database", f"does not answer ({type(error).__name__})", "start it")
    if schema is None:
        return wrong("database", "has no schema", "vasset migrate")
    return well("database", f"PostgreSQL {version}")


async def redis(settings: Settings) -> Finding:
    """Return whether Redis answers and keeps what it is given."""
    url = settings.redis.url.get_secret_value()
    return await _redis("redis", url) if url else wrong("redis", _UNSET, _START.format("redis"))


async def broker(settings: Settings) -> Finding:
    """Return whether the broker answers."""
    url = settings.broker.url.get_secret_value()
    if not url:
        return wrong("broker", _UNSET, _START.format("broker"))
    if not url.startswith("amqp"):
        return await _redis("broker", url)
    return _rabbitmq(url)


async def disk(settings: Settings) -> Finding:
    """Return whether the storage root is this node's and has room."""
    storage = settings.storage
    files = Files(storage.root, node=storage.node)
    try:
        files.check_root()
        usage = files.usage()
    except (RootMissingError, OSError) as error:
        return wrong("disk", str(error), "mount it, or correct storage.root; a worker makes it")
    used = 1 - usage.free_bytes / usage.total_bytes
    text = f"{storage.root} is {used:.0%} full, {usage.free_bytes / 2**30:.1f} GiB free"
    if used >= storage.stop_ratio:
        return wrong("disk", f"{text}; nothing new is downloaded", "delete files or add room")
    if used >= storage.warn_ratio:
        return wrong("disk", text, f"add room before {storage.stop_ratio:.0%}")
    return well("disk", text)


async def proxy(settings: Settings) -> Finding:
    """Return whether the provider gives a proxy."""
    name, part = settings.proxy.provider, "proxy provider"
    if name == "none":
        return well(part, "none: downloads leave from this machine's own address")
    remedy = "correct the section [proxy]"
    try:
        provider = provider_of(settings.proxy)
        try:
            await provider.acquire(0)
        finally:
            await provider.close()
    except (ValueError, ProxyUnavailableError) as error:
        return wrong(part, f"{name}: {error}", remedy)
    return well(part, f"{name} gives proxies")


async def clock(settings: Settings) -> Finding:
    """Return whether this machine's clock agrees with the database's, which decides."""
    url = settings.database.url.get_secret_value()
    if not url:
        return _no_clock()
    before = time.time()
    try:
        (theirs,) = await direct.ask(url, "SELECT clock_timestamp()")
    except direct.FAULTS:
        return _no_clock()
    ours = (before + time.time()) / 2
    off = timedelta(seconds=abs(cast("datetime", theirs).timestamp() - ours))
    text = f"{off.total_seconds():.1f} s from the database's"
    if off > _CLOCK_TOLERANCE:
        return wrong("clock", text, "let NTP set both clocks")
    return well("clock", text)


def _no_clock() -> Finding:
    return wrong("clock", "cannot be compared", "mend the database first")


async def _redis(part: str, url: str) -> Finding:
    try:
        client = connect(url)
        try:
            told = await _info(client)
        finally:
            await client.aclose()
    except (*RedisFault, ValueError) as error:
        return wrong(part, f"does not answer ({type(error).__name__})", "start it")
    policy = told.get("maxmemory_policy", "noeviction")
    if policy != "noeviction":
        return wrong(part, f"may drop keys ({policy})", "set maxmemory-policy noeviction")
    return well(
        part,
        f"{told.get('server_name', 'redis')} {told.get('valkey_version') or told['redis_version']}",
    )


async def _info(client: Redis) -> dict[str, Any]:
    untyped: Any = client
    return await untyped.info("server") | await untyped.info("memory")


def _rabbitmq(url: str) -> Finding:
    try:
        parameters = pika.URLParameters(url)
        parameters.socket_timeout = parameters.blocked_connection_timeout = _TIMEOUT_S
        parameters.stack_timeout = _TIMEOUT_S
        parameters.connection_attempts = 1
        connection = pika.BlockingConnection(parameters)
        connection.close()
    except (AMQPError, OSError, ValueError) as error:
        return wrong("broker", f"does not answer ({type(error).__name__})", "start RabbitMQ")
    return well("broker", "RabbitMQ answers")
