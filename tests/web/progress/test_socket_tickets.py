"""Tickets that open a socket once, for clients that cannot show a token."""

import asyncio
import logging
from collections.abc import Awaitable, Callable

import httpx
import pytest
from websockets.asyncio.client import connect

from tests.support.valkey import Valkey
from tests.web.conftest import Member, Serve, Site, register
from tests.web.progress.test_endings import ENDINGS, neighbour
from tests.web.scripting import make, script
from tests.web.watching import close_code, heard

__all__ = ["neighbour"]


async def ticket_of(http: httpx.AsyncClient) -> str:
    answer = await http.post("/auth/ws-ticket")
    assert answer.status_code == 200, answer.text
    assert answer.json().keys() == {"ticket", "expires_in"}
    return str(answer.json()["ticket"])


def opened(site: Site, ticket: str, *, origin: str | None = None) -> connect:
    headers = {} if origin is None else {"Origin": origin}
    return connect(
        f"{site.socket_url}?ticket={ticket}", additional_headers=headers, ping_interval=None
    )


async def refusal(site: Site, ticket: str) -> int | None:
    async with opened(site, ticket) as line:
        return await close_code(line)


async def test_a_ticket_opens_a_socket_of_its_owner(site: Site, member: Member) -> None:
    history_id = await member.submit()

    async with opened(site, await ticket_of(member.http), origin=site.url) as line:
        first = await heard(line)

    assert [entry["history_id"] for entry in first["downloads"]] == [history_id]


async def test_of_many_sockets_at_once_on_two_processes_one_is_opened(
    site: Site,
    neighbour: Site,
    member: Member,
) -> None:
    ticket = await ticket_of(member.http)

    async def is_let_in(where: Site) -> bool:
        async with opened(where, ticket) as line:
            try:
                return (await heard(line))["type"] == "snapshot"
            except Exception:  # noqa: BLE001 - it was closed
                assert line.close_code == 4401
                return False

    let_in = await asyncio.gather(*(is_let_in(where) for where in (site, neighbour) * 8))

    assert sum(let_in) == 1


async def test_redis_keeps_it_for_half_a_minute_and_does_not_know_it(
    site: Site, member: Member
) -> None:
    redis = site.front.services.redis
    before = set(await redis.keys("vasset:socket-ticket:*"))  # pyright: ignore[reportUnknownMemberType]

    ticket = await ticket_of(member.http)

    (key,) = set(await redis.keys("vasset:socket-ticket:*")) - before  # pyright: ignore[reportUnknownMemberType]
    kept = str(await redis.get(key))
    assert 0 < await redis.ttl(key) <= 30
    assert ticket not in f"{key}{kept}"
    assert member.token not in kept
    await redis.delete(key)
    assert await refusal(site, ticket) == 4401


@pytest.mark.parametrize("ticket", ["", "x", "%00", "*", "a" * 43, "a" * 1_000])
async def test_what_is_no_ticket_closes_with_4401(site: Site, ticket: str) -> None:
    assert await refusal(site, ticket) == 4401


async def test_an_access_token_is_no_ticket(site: Site, member: Member) -> None:
    assert await refusal(site, member.token) == 4401


async def test_a_page_elsewhere_does_not_use_a_ticket_up(site: Site, member: Member) -> None:
    ticket = await ticket_of(member.http)

    async with opened(site, ticket, origin="https://evil.example") as line:
        assert await close_code(line) == 4403

    async with opened(site, ticket) as line:
        assert (await heard(line))["type"] == "snapshot"


@pytest.mark.parametrize("end", ENDINGS)
@pytest.mark.usefixtures("unchecked")
async def test_what_ends_a_token_ends_its_tickets_and_their_sockets(
    site: Site, member: Member, end: Callable[[Site, Member], Awaitable[None]]
) -> None:
    unused = await ticket_of(member.http)
    async with opened(site, await ticket_of(member.http)) as line:
        await heard(line)

        await end(site, member)

        assert await close_code(line) == 4401
    assert await refusal(site, unused) == 4401


@pytest.mark.usefixtures("unchecked")
async def test_a_key_that_reads_gets_tickets_until_it_is_removed(
    site: Site, member: Member
) -> None:
    key = await make(member, "read")
    async with script(site, key["key"]) as http:
        unused = await ticket_of(http)
        async with opened(site, await ticket_of(http)) as line:
            await heard(line)

            await member.http.delete(f"/auth/keys/{key['key_id']}")

            assert await close_code(line) == 4401
    assert await refusal(site, unused) == 4401


async def test_a_ticket_is_over_when_the_token_is_that_it_was_given_for(
    site: Site, member: Member, monkeypatch: pytest.MonkeyPatch
) -> None:
    ticket = await ticket_of(member.http)
    later = site.front.now() + site.settings.auth.access_ttl_s + 6

    def now(_: object) -> float:
        return later

    monkeypatch.setattr(type(site.front), "now", now)

    assert await refusal(site, ticket) == 4401


async def test_no_line_of_any_log_holds_a_ticket(
    site: Site, member: Member, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    ticket = await ticket_of(member.http)
    with caplog.at_level(logging.DEBUG):
        async with opened(site, ticket) as line:
            await heard(line)
        await refusal(site, ticket)

    # The client of the test logs what it sends.
    ours = [r.getMessage() for r in caplog.records if not r.name.startswith("websockets.client")]
    assert ours
    assert ticket not in "".join(ours) + "".join(capfd.readouterr())


async def test_without_redis_no_ticket_is_given(serve: Serve) -> None:
    with Valkey() as own:
        async with (
            serve(redis={"url": own.url}) as site,
            httpx.AsyncClient(base_url=f"{site.url}/api/v1", timeout=30) as http,
        ):
            member = await register(http)
            await asyncio.to_thread(own.kill)

            answer = await member.http.post("/auth/ws-ticket")
            code = await refusal(site, "a" * 43)

    assert (answer.status_code, "Retry-After" in answer.headers) == (503, True)
    assert code == 1013
