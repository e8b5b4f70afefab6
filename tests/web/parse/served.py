"""A served app whose parses go through Redis keys of their own, and the worker that answers."""

import asyncio
import json
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from storage.parses import WAITING
from tests.support.shelf import Shelf
from tests.support.station import Station, open_station
from tests.support.valkey import Valkey
from tests.support.waiting import eventually
from tests.web.conftest import Member, Site, register, serving, settings_for

SECRET = "a secret of at least thirty-two bytes"
# Not all of loopback: what stands beside the site is inside.
LOOPBACK = "127.0.0.1/32"


@dataclass(frozen=True, slots=True, kw_only=True)
class Parsing:
    """A user, the app, and a node."""

    site: Site
    member: Member
    station: Station

    async def ask(self, url: str, **more: object) -> httpx.Response:
        """Return the answer to a parse."""
        return await self.member.http.post("/parse", json={"url": url} | more)


@asynccontextmanager
async def served(
    database_url: str, redis_url: str, folder: Path, **downloads: int
) -> AsyncGenerator[Parsing]:
    """Yield an app and a node that share a database and an empty Redis."""
    environment = {
        "VASSET_DATABASE__URL": database_url,
        "VASSET_REDIS__URL": redis_url,
        "VASSET_BROKER__URL": redis_url,
        "VASSET_AUTH__SECRET": SECRET,
        "VASSET_EGRESS__ALLOW_PRIVATE": json.dumps([LOOPBACK]),
        **{f"VASSET_DOWNLOADS__{key.upper()}": str(value) for key, value in downloads.items()},
    }
    settings = settings_for(
        database_url,
        redis_url,
        folder / "root",
        auth={"secret": SECRET},
        egress={"allow_private": [LOOPBACK]},
        downloads=dict(downloads),
    )
    async with AsyncExitStack() as stack:
        station = await stack.enter_async_context(open_station(environment, folder))
        redis: Any = station.services.redis
        await redis.flushdb()
        site = await stack.enter_async_context(serving(settings))
        client = httpx.AsyncClient(base_url=f"{site.url}/api/v1", timeout=60)
        await stack.enter_async_context(client)
        member = await register(client)
        yield Parsing(
            site=site,
            member=member,
            station=station,
        )


def keys(valkey: Valkey, number: int) -> str:
    """Return a Redis of our own: a worker takes every flight that it can reach."""
    return f"{valkey.url.removesuffix('/0')}/{number}"


def code(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]


async def waiting(parsing: Parsing) -> list[str]:
    """Return the flights that wait for a worker."""
    redis: Any = parsing.station.services.redis
    flights: list[str] = await redis.lrange(WAITING, 0, -1)
    return flights


async def all_landed(parsing: Parsing) -> bool:
    """Whether no flight is under way."""
    redis: Any = parsing.station.services.redis
    return await redis.keys("vasset:parse:flight:*") == []


async def begun(parsing: Parsing, shelf: Shelf, path: str) -> asyncio.Task[httpx.Response]:
    """Return a question that a worker is about to answer, when it has reached the site."""
    asking = asyncio.create_task(parsing.ask(shelf.url(path)))
    await eventually(lambda: shelf.requests_for(path), timeout_s=30, what="the look")
    return asking
