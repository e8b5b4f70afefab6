"""What the tests of keys do again and again."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import httpx

from domain.keys import Scope
from tests.web.conftest import Member, Site

ALL = [scope.value for scope in Scope]


async def make(member: Member, *scopes: str, **more: object) -> dict[str, Any]:
    body = {"name": "cron", "scopes": scopes or ALL} | more
    answer = await member.http.post("/auth/keys", json=body)
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


@asynccontextmanager
async def script(site: Site, key: str) -> AsyncGenerator[httpx.AsyncClient]:
    """A client that shows a key."""
    headers = {"Authorization": f"Bearer {key}"}
    async with httpx.AsyncClient(
        base_url=f"{site.url}/api/v1", headers=headers, timeout=30
    ) as http:
        yield http
