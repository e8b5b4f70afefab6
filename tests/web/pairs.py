"""Two served apps over one database, as a fleet has them, and a user of both."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import httpx

from tests.web.conftest import Member, Section, Serve, Site, register


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """A user with a client at each app."""

    site: Site
    member: Member
    clients: tuple[httpx.AsyncClient, httpx.AsyncClient]


@asynccontextmanager
async def pair(serve: Serve, **more: Section) -> AsyncGenerator[Pair]:
    """Serve two apps with the same settings."""
    async with serve(**more) as one:
        secret: Section = {"secret": one.settings.auth.secret}
        async with (
            serve(**more, auth=secret) as other,
            httpx.AsyncClient(base_url=f"{one.url}/api/v1", timeout=30) as here,
            httpx.AsyncClient(base_url=f"{other.url}/api/v1", timeout=30) as there,
        ):
            member = await register(here)
            there.headers["Authorization"] = f"Bearer {member.token}"
            yield Pair(site=one, member=member, clients=(here, there))
