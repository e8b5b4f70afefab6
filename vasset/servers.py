"""The doctor's look at the servers, the disk and what stands outside."""

import asyncio
import time
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any

from redis.asyncio import Redis

from domain.failures import ProxyUnavailableError
from gateways.proxies.provider import Need
from runtime.services import database_of, policy_of, provider_of
from runtime.settings import Settings
from storage.db import DatabaseError
from storage.files import Files, RootMissingError
from storage.redis_door import RedisFault, connect
from vasset import rabbit
from vasset.findings import Finding, well, wrong

_TOLERANCE = timedelta(seconds=2)
"""A claim lasts longer, but tokens and log lines should agree."""

_DRAIN_S = 5
"""How long it is waited for an answer that is late, so that its proxy is given back."""

_UNSET = "no address is set"
_AWAY = "start it, or correct {}.url"
_START = "run `vasset up`, or set {}.url"


async def database_and_clock(settings: Settings) -> tuple[Finding, Finding]:
    """Return whether PostgreSQL answers and has our schema, and whether our clocks agree."""
    unknown = wrong("clock", "cannot be compared", "mend the database first")
    if not settings.database.url.get_secret_value():
        return wrong("database", _UNSET, _START.format("database")), unknown
    db = database_of(settings)
    try:
        await db.open()
        try:
            before = time.time()
            row = await db.one("server_examined")
            ours = (before + time.time()) / 2
        finally:
            await db.close()
    except DatabaseError as error:
        return wrong("database", f"does not answer ({error})", _AWAY.format("database")), unknown
    if row is None or not row["has_schema"]:
        found = wrong("database", "has no schema", "vasset migrate")
    else:
        found = well("database", f"PostgreSQL {row['version']}")
    return found, unknown if row is None else _clock(row["now"], ours)


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
    return await asyncio.to_thread(rabbit.look, settings)


async def disk(settings: Settings) -> Finding:
    """Return whether the storage root is this node's and has room."""
    storage = settings.storage
    files = Files(storage.root, node=storage.node)
    try:
        files.check_root()
        usage = files.usage()
    except (RootMissingError, OSError) as error:
        return wrong(
            "disk",
            str(error),
            "mount it, or correct storage.root or storage.node; a worker makes a new one",
        )
    used = usage.used_ratio
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
        provider = provider_of(settings.proxy, policy_of(settings))
        try:
            lease = await provider.acquire(Need(history_id=0, site="doctor"))
            await provider.release(lease, 0)
        finally:
            with suppress(TimeoutError):
                await asyncio.wait_for(provider.drain(), _DRAIN_S)
            await provider.close()
    except (ValueError, ProxyUnavailableError) as error:
        return wrong(part, f"{name}: {error}".rstrip("."), remedy)
    return well(part, f"{name} gives proxies")


def _clock(theirs: datetime, ours: float) -> Finding:
    """Return whether this machine's clock agrees with the database's, which decides."""
    off = timedelta(seconds=abs(theirs.timestamp() - ours))
    text = f"{off.total_seconds():.1f} s from the database's"
    return wrong("clock", text, "let NTP set both") if off > _TOLERANCE else well("clock", text)


async def _redis(part: str, url: str) -> Finding:
    try:
        client = connect(url)
        try:
            told = await _info(client)
        finally:
            await client.aclose()
    except (*RedisFault, ValueError) as error:
        return wrong(part, f"does not answer ({type(error).__name__})", _AWAY.format(part))
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
