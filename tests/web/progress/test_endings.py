"""What ends a token ends it on every process, and its sockets within a second."""

import asyncio
import sys
from asyncio.subprocess import DEVNULL
from collections.abc import AsyncGenerator, Awaitable, Callable

import httpx
import pytest

from tests.support.ports import free_port
from tests.web.conftest import PASSWORD, Join, Member, Site, serving
from tests.web.rows import Rows
from tests.web.watching import close_code, heard, socket_of

ANOTHER = "a battery of horses"


@pytest.fixture(scope="module")
async def neighbour(site: Site) -> AsyncGenerator[Site]:
    """A second web process over the same database and Redis."""
    server = site.settings.server.model_copy(update={"port": free_port()})
    async with serving(site.settings.model_copy(update={"server": server})) as second:
        yield second


async def change(member: Member, new: str = ANOTHER, current: str = PASSWORD) -> httpx.Response:
    body = {"current_password": current, "new_password": new}
    return await member.http.put("/auth/password", json=body)


async def log_out(_: Site, member: Member) -> None:
    assert (await member.http.post("/auth/logout")).status_code == 204


async def change_password(_: Site, member: Member) -> None:
    assert (await change(member)).status_code == 204


async def disable(site: Site, member: Member) -> None:
    await command(site, "disable", member.email)


async def set_password(site: Site, member: Member) -> None:
    await command(site, "passwd", member.email)


async def command(site: Site, *words: str) -> None:
    """Run `vasset user` as an administrator would, beside the web processes."""
    environment = {
        "PATH": "/usr/bin:/bin",
        "VASSET_DATABASE__URL": site.settings.database.url.get_secret_value(),
        "VASSET_REDIS__URL": site.settings.redis.url.get_secret_value(),
    }
    program = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "vasset.main", "user", *words, env=environment, stdout=DEVNULL
    )
    assert await program.wait() == 0


ENDINGS: list[Callable[[Site, Member], Awaitable[None]]] = [
    log_out,
    change_password,
    set_password,
    disable,
]


@pytest.mark.parametrize("end", ENDINGS)
@pytest.mark.usefixtures("unchecked")
async def test_tokens_and_sockets_end_at_once_on_every_process(
    site: Site, neighbour: Site, member: Member, end: Callable[[Site, Member], Awaitable[None]]
) -> None:
    """The check that comes by itself never comes."""
    headers = {"Authorization": f"Bearer {member.token}"}
    async with (
        socket_of(site, member.token) as here,
        socket_of(neighbour, member.token) as there,
        httpx.AsyncClient(
            base_url=f"{neighbour.url}/api/v1", headers=headers, timeout=30
        ) as elsewhere,
    ):
        for line in (here, there):
            await heard(line)
        assert (await elsewhere.get("/auth/me")).status_code == 200

        await end(site, member)

        codes = [await close_code(here), await close_code(there)]
        me = await elsewhere.get("/auth/me")
        submitted = await elsewhere.post(
            "/download", json={"url": "https://example.com/v", "mode": "archive"}
        )
        renewed = await elsewhere.post(
            "/auth/refresh", json={"refresh_token": member.refresh_token}
        )
    assert codes == [4401, 4401]
    assert {answer.status_code for answer in (me, submitted, renewed)} == {401}


async def test_the_sockets_of_others_stay(site: Site, member: Member, join: Join) -> None:
    other = await join()

    async with socket_of(site, other.token) as line:
        await heard(line)
        await log_out(site, member)
        history_id = await other.submit()

        assert (await heard(line))["history_id"] == history_id


async def test_after_a_change_the_new_password_alone_logs_in(
    http: httpx.AsyncClient, member: Member
) -> None:
    await change(member)

    answers = [
        await http.post("/auth/login", json={"email": member.email, "password": password})
        for password in (PASSWORD, ANOTHER)
    ]

    assert [answer.status_code for answer in answers] == [401, 200]


@pytest.mark.parametrize(
    ("current", "new", "status", "field"),
    [
        ("wrong horse", ANOTHER, 403, None),
        (PASSWORD, "short", 422, "new_password"),
        (PASSWORD, "password1", 422, "new_password"),
        (PASSWORD, "V-Asset 2026", 422, "new_password"),
        (PASSWORD, "x" * 129, 422, "new_password"),
        ("x" * 129, ANOTHER, 422, "current_password"),
    ],
)
async def test_a_change_that_is_refused_changes_nothing(
    member: Member, current: str, new: str, status: int, field: str | None
) -> None:
    answer = await change(member, new, current)

    again = await member.http.post(
        "/auth/login", json={"email": member.email, "password": PASSWORD}
    )
    assert answer.status_code == status
    assert [error["field"] for error in answer.json().get("errors", [])] == ([field] * bool(field))
    assert (again.status_code, (await member.http.get("/auth/me")).status_code) == (200, 200)


async def test_a_change_needs_a_token(http: httpx.AsyncClient) -> None:
    body = {"current_password": PASSWORD, "new_password": ANOTHER}

    answer = await http.put("/auth/password", json=body)

    assert answer.status_code == 401


async def test_nothing_renewed_during_a_logout_outlives_it(
    http: httpx.AsyncClient, join: Join
) -> None:
    """A renewal that began before the logout may end after it."""
    for _ in range(10):
        member = await join()
        renewing = http.post("/auth/refresh", json={"refresh_token": member.refresh_token})
        renewed, _ = await asyncio.gather(renewing, member.http.post("/auth/logout"))
        if renewed.status_code != 200:
            continue
        tokens = renewed.json()

        me = await http.get(
            "/auth/me", headers={"Authorization": f"Bearer {tokens['access_token']}"}
        )
        heir = await http.post("/auth/refresh", json={"refresh_token": tokens["refresh_token"]})

        assert (me.status_code, heir.status_code) == (401, 401)


async def test_of_many_uses_at_once_of_a_refresh_token_none_goes_on(
    http: httpx.AsyncClient, member: Member, rows: Rows
) -> None:
    body = {"refresh_token": member.refresh_token}

    answers = await asyncio.gather(*(http.post("/auth/refresh", json=body) for _ in range(10)))

    given = [a.json()["refresh_token"] for a in answers if a.status_code == 200]
    heirs = [await http.post("/auth/refresh", json={"refresh_token": token}) for token in given]
    assert len(given) == 1
    assert [heir.status_code for heir in heirs] == [401]
    left = await rows.ask(f"SELECT count(*) FROM refresh_tokens WHERE user_id = {member.user_id}")
    assert left == "0"
