"""Somebody who knocks, and a site with the limits as they are by default."""

import itertools
from collections.abc import AsyncGenerator, Callable

import httpx
import pytest

from tests.web.conftest import PASSWORD, Section, Serve, Site

_addresses = itertools.count(2)
DEFAULTS: Section = {
    "login_attempts_per_account": 5,
    "login_attempts_per_address": 30,
    "registrations_per_address": 60,
}


@pytest.fixture
async def strict(serve: Serve) -> AsyncGenerator[Site]:
    async with serve(auth=DEFAULTS) as site:
        yield site


class Place:
    """Where somebody knocks from: an address of this machine that no other test has used."""

    def __init__(self, site: Site, **headers: str) -> None:
        number = next(_addresses)
        self.address = f"127.9.{number // 250}.{number % 250 + 1}"
        self.http = httpx.AsyncClient(
            base_url=f"{site.url}/api/v1",
            transport=httpx.AsyncHTTPTransport(local_address=self.address),
            headers=headers,
            timeout=30,
        )

    async def log_in(self, email: str, password: str = PASSWORD) -> int:
        return (await self.answer(email, password)).status_code

    async def answer(self, email: str, password: str = PASSWORD) -> httpx.Response:
        return await self.http.post("/auth/login", json={"email": email, "password": password})

    async def guess(self, email: str, times: int) -> list[int]:
        return [await self.log_in(email, "wrong horse") for _ in range(times)]

    async def register(self, email: str, password: str = PASSWORD) -> httpx.Response:
        return await self.http.post("/auth/register", json={"email": email, "password": password})


@pytest.fixture
async def place(strict: Site) -> AsyncGenerator[Callable[..., Place]]:
    places: list[Place] = []

    def another(**headers: str) -> Place:
        places.append(Place(strict, **headers))
        return places[-1]

    yield another
    for one in places:
        await one.http.aclose()


Somewhere = Callable[..., Place]
