import asyncio
import contextlib
import json

import httpx
import pytest
import websockets
from websockets.asyncio.client import connect
from websockets.typing import Subprotocol
from werkzeug.datastructures import Headers

from domain.states import Status
from runtime.settings_layers import load
from tests.support.postgres import Postgres
from tests.support.valkey import Valkey
from tests.web.conftest import Join, Member, Serve, Site, register
from tests.web.rows import Rows
from tests.web.watching import close_code, fetched, heard, socket_of, state
from web.origins import may_call
from web.progress import audiences, sockets


async def test_the_first_message_shows_what_is_queued_or_running(
    site: Site, member: Member, rows: Rows
) -> None:
    queued, running, ended = [await member.submit() for _ in range(3)]
    await rows.run(running)
    await rows.end(ended, Status.COMPLETED)
    await site.front.services.feed.publish(fetched(member, running, 40.0))

    async with socket_of(site, member.token) as line:
        first = await heard(line)

    shown = {entry["history_id"]: entry for entry in first["downloads"]}
    assert line.subprotocol == "bearer"
    assert (first["type"], set(shown)) == ("snapshot", {queued, running})
    assert first["seq"] == await site.front.services.feed.seq(member.user_id)
    assert (shown[running]["status"], shown[running]["percent"]) == ("running", 40.0)
    assert shown[running]["total_bytes"] is None
    assert (shown[queued]["status"], shown[queued]["percent"]) == ("queued", None)


async def test_events_follow_with_greater_numbers(site: Site, member: Member, rows: Rows) -> None:
    history_id = await member.submit()
    await rows.run(history_id)
    feed = site.front.services.feed

    async with socket_of(site, member.token) as line:
        first = await heard(line)
        await feed.publish(state(member, history_id, Status.RUNNING))
        running = await heard(line)
        await feed.publish(fetched(member, history_id, 10.0))
        progress = await heard(line)
        await feed.publish(state(member, history_id, Status.COMPLETED))
        done = await heard(line)

    assert [m["type"] for m in (running, progress, done)] == ["state", "progress", "state"]
    assert progress == {
        "type": "progress", "seq": progress["seq"], "history_id": history_id,
        "status": "running", "status_code": 5, "stage": "fetch", "attempt": 1, "percent": 10.0,
        "downloaded_bytes": 10, "total_bytes": None, "speed_bps": None, "eta_s": None,
    }  # fmt: skip
    assert done["status"] == "completed"
    assert first["seq"] < running["seq"] < progress["seq"] < done["seq"]


async def test_a_submission_shows_on_every_socket_of_its_user_and_on_no_other(
    site: Site, member: Member, join: Join
) -> None:
    other = await join()

    async with (
        socket_of(site, member.token) as one,
        socket_of(site, member.token) as two,
        socket_of(site, other.token) as foreign,
    ):
        for line in (one, two, foreign):
            await heard(line)
        history_id = await member.submit()

        assert (await heard(one))["history_id"] == history_id
        assert (await heard(two))["history_id"] == history_id
        with pytest.raises(TimeoutError):
            await heard(foreign, 0.3)


async def test_a_forged_event_for_anothers_download_is_not_believed(
    site: Site, member: Member, join: Join
) -> None:
    theirs = await (await join()).submit()
    mine = await member.submit()
    redis = site.front.services.redis

    async with socket_of(site, member.token) as line:
        await heard(line)
        await site.front.services.feed.publish(state(member, theirs, Status.COMPLETED))
        for message in ({"history_id": mine}, {"history_id": mine, "type": "state"}, 1):
            event = {"seq": 10**6, "event": {"user_id": member.user_id, "message": message}}
            await redis.publish("vasset:events", json.dumps(event))  # pyright: ignore[reportUnknownMemberType]
        await redis.publish("vasset:events", "not json")  # pyright: ignore[reportUnknownMemberType]
        await site.front.services.feed.publish(state(member, mine, Status.CANCELLED))

        assert (await heard(line))["history_id"] == mine


@pytest.mark.parametrize("token", ["", "x", "none.of.ours"])
async def test_a_bad_token_closes_with_4401(site: Site, token: str) -> None:
    pair = [Subprotocol("bearer"), *([Subprotocol(token)] if token else [])]

    async with connect(site.socket_url, subprotocols=pair) as line:
        assert await close_code(line) == 4401


async def test_a_token_in_the_address_is_not_taken(site: Site, member: Member) -> None:
    async with connect(f"{site.socket_url}?token={member.token}") as line:
        assert await close_code(line) == 4401


async def test_a_page_elsewhere_is_closed_with_4403(site: Site, member: Member) -> None:
    async with socket_of(site, member.token, origin="https://evil.example") as line:
        assert await close_code(line) == 4403


async def test_our_own_page_may_watch(site: Site, member: Member) -> None:
    async with socket_of(site, member.token, origin=site.url) as line:
        assert (await heard(line))["type"] == "snapshot"


@pytest.mark.parametrize(
    ("origin", "allowed"),
    [
        (None, True),
        ("https://our.tld", True),
        ("https://partner.example", True),
        ("null", False),
        ("http://our.tld", False),
        ("https://our.tld:444", False),
        ("https://our.tld.evil", False),
        ("https://evil", False),
        # The Host header is the visitor's own word.
        ("https://rebound.example", False),
    ],
)
def test_only_named_pages_are_ours(origin: str | None, allowed: bool) -> None:  # noqa: FBT001 - a table
    named = {"public_url": "https://our.tld/", "cors_origins": ["https://partner.example"]}
    server = load({}, {"server": named}).server
    headers = Headers({"Host": "rebound.example"} | ({"Origin": origin} if origin else {}))

    assert may_call(headers, server) is allowed


async def test_the_eleventh_socket_of_a_user_is_refused(site: Site, member: Member) -> None:
    async with contextlib.AsyncExitStack() as stack:
        for _ in range(10):
            line = await stack.enter_async_context(socket_of(site, member.token))
            assert (await heard(line))["type"] == "snapshot"
        eleventh = await stack.enter_async_context(socket_of(site, member.token))

        assert await close_code(eleventh) == 4429
    async with socket_of(site, member.token) as line:
        assert (await heard(line))["type"] == "snapshot"


async def test_chatter_ends_the_socket(site: Site, member: Member) -> None:
    async with socket_of(site, member.token) as line:
        await line.send(b"")
        with contextlib.suppress(websockets.ConnectionClosed):
            for _ in range(1_000):
                await line.send("x")

        assert await close_code(line) == 1008


async def test_a_huge_message_ends_the_socket(site: Site, member: Member) -> None:
    async with socket_of(site, member.token) as line:
        with contextlib.suppress(websockets.ConnectionClosed):
            await line.send("x" * 70_000)

        assert await close_code(line) == 1009


@pytest.fixture
def often(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the sockets look at rows and tokens ten times a second."""
    monkeypatch.setattr(sockets, "CHECK_EVERY_S", 0.1)
    monkeypatch.setattr(audiences, "LOOK_EVERY_S", 0.1)


@pytest.mark.usefixtures("often")
async def test_a_state_that_redis_lost_is_told_from_the_row(
    site: Site, member: Member, rows: Rows
) -> None:
    ends, moves = await member.submit(), await member.submit()

    async with socket_of(site, member.token) as line:
        await heard(line)
        await rows.end(ends, Status.FAILED)
        await rows.run(moves)
        told = [await heard(line), await heard(line)]
        with pytest.raises(TimeoutError):
            await heard(line, 0.5)

    assert {m["history_id"]: (m["type"], m["status"]) for m in told} == {
        ends: ("state", "failed"),
        moves: ("state", "running"),
    }


@pytest.mark.usefixtures("often")
async def test_a_user_who_is_disabled_loses_the_socket(
    site: Site, member: Member, rows: Rows
) -> None:
    async with socket_of(site, member.token) as line:
        await heard(line)
        await rows.ask(f"UPDATE users SET disabled_at = now() WHERE user_id = {member.user_id}")

        assert await close_code(line) == 4401


async def test_after_redis_comes_back_everything_is_told_anew(
    serve: Serve, postgres: Postgres
) -> None:
    with Valkey() as valkey:
        async with (
            serve(redis={"url": valkey.url}) as site,
            httpx.AsyncClient(base_url=f"{site.url}/api/v1", timeout=30) as http,
        ):
            member = await register(http)
            rows = Rows(
                site.front.services, postgres, site.settings.database.url.get_secret_value()
            )
            history_id = await member.submit()
            async with socket_of(site, member.token) as line:
                await heard(line)
                await asyncio.to_thread(valkey.kill)
                await rows.run(history_id)
                await asyncio.to_thread(valkey.start)
                again = await heard(line)
                while again["type"] != "snapshot":
                    again = await heard(line)
                await site.front.services.feed.publish(state(member, history_id, Status.FAILED))
                last = await heard(line)

    assert again["downloads"][0]["status"] == "running"
    assert last["status"] == "failed"


async def test_a_request_whose_upgrade_a_proxy_kept_back_hears_why(site: Site) -> None:
    async with httpx.AsyncClient(base_url=site.url, timeout=30) as client:
        answer = await client.get("/api/v1/ws/progress")

    assert answer.status_code == 426
    assert answer.headers["Upgrade"] == "websocket"
    assert "proxy" in answer.json()["detail"]
