"""What a socket is told that says where it left off."""

import asyncio
import contextlib
from typing import Any

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.typing import Subprotocol

from domain.states import Status
from tests.support.waiting import eventually
from tests.web.conftest import Member, Site
from tests.web.rows import Rows
from tests.web.watching import fetched, heard, socket_of, state


def resumed(site: Site, member: Member, since: object) -> connect:
    pair = [Subprotocol("bearer"), Subprotocol(member.token)]
    return connect(f"{site.socket_url}?since={since}", subprotocols=pair, ping_interval=None)


async def silence(line: ClientConnection) -> None:
    with pytest.raises(TimeoutError):
        await heard(line, 0.3)


async def submitted(site: Site, member: Member) -> int:
    """Return a new download whose event has been published."""
    before = await site.front.services.feed.seq(member.user_id)
    history_id = await member.submit()

    async def is_published() -> bool:
        return await site.front.services.feed.seq(member.user_id) > before

    await eventually(is_published)
    return history_id


async def last_seq(site: Site, member: Member) -> int:
    async with socket_of(site, member.token) as line:
        return int((await heard(line))["seq"])


async def test_nothing_is_told_twice_and_what_follows_is_told(site: Site, member: Member) -> None:
    history_id = await submitted(site, member)
    seq = await last_seq(site, member)

    async with resumed(site, member, seq) as line:
        await silence(line)
        await site.front.services.feed.publish(state(member, history_id, Status.CANCELLED))
        told = await heard(line)

    assert (told["type"], told["status"]) == ("state", "cancelled")
    assert told["seq"] > seq


async def test_what_was_missed_is_told_from_the_rows(
    site: Site, member: Member, rows: Rows
) -> None:
    feed = site.front.services.feed
    quiet, ends, runs = [await submitted(site, member) for _ in range(3)]
    await rows.run(quiet)
    await feed.publish(state(member, quiet, Status.RUNNING))
    seq = await last_seq(site, member)
    await rows.run(runs)
    await feed.publish(state(member, runs, Status.RUNNING))
    await feed.publish(fetched(member, runs, 12.0))
    await rows.end(ends, Status.FAILED)
    await feed.publish(state(member, ends, Status.FAILED))

    async with resumed(site, member, seq) as line:
        told = [await heard(line) for _ in range(3)]
        await silence(line)

    assert {(m["type"], m["history_id"], m["status"]) for m in told} == {
        ("state", ends, "failed"),
        ("state", runs, "running"),
        ("progress", runs, "running"),
    }
    assert told[-1]["percent"] == 12.0
    # Who leaves before the last one must be told the others again.
    assert [m["seq"] for m in told] == [seq, seq, await feed.seq(member.user_id)]


async def test_an_ending_whose_event_was_lost_is_told(
    site: Site, member: Member, rows: Rows
) -> None:
    history_id = await submitted(site, member)
    seq = await last_seq(site, member)
    await rows.end(history_id, Status.FAILED)

    async with resumed(site, member, seq) as line:
        told = await heard(line)

    assert (told["history_id"], told["status"]) == (history_id, "failed")


async def test_one_that_was_deleted_meanwhile_is_told_as_cancelled(
    site: Site, member: Member
) -> None:
    history_id = await submitted(site, member)
    seq = await last_seq(site, member)
    assert (await member.http.delete(f"/user/history/{history_id}")).status_code == 204

    async with resumed(site, member, seq) as line:
        told = await heard(line)

    assert (told["history_id"], told["status"]) == (history_id, "cancelled")


@pytest.mark.parametrize(
    "since", ["", "x", "-1", "0", "1", "1.5", "%D9%A1", "9" * 16, "9" * 400, "1&since=2"]
)
async def test_a_number_that_is_none_of_ours_is_answered_with_a_snapshot(
    site: Site, member: Member, since: str
) -> None:
    history_id = await submitted(site, member)

    async with resumed(site, member, since) as line:
        first = await heard(line)

    assert first["type"] == "snapshot"
    assert [entry["history_id"] for entry in first["downloads"]] == [history_id]


async def test_numbers_that_redis_lost_are_answered_with_a_snapshot(
    site: Site, member: Member
) -> None:
    await submitted(site, member)
    seq = await last_seq(site, member)
    redis = site.front.services.redis
    await redis.delete(f"vasset:seq:{member.user_id}", f"vasset:recent:{member.user_id}")
    history_id = await submitted(site, member)

    async with resumed(site, member, seq) as line:
        first = await heard(line)

    assert first["type"] == "snapshot"
    assert history_id in [entry["history_id"] for entry in first["downloads"]]
    assert first["seq"] > seq


async def test_sockets_that_come_and_go_miss_no_change(
    site: Site, member: Member, rows: Rows
) -> None:
    """One client that is cut off again and again, while downloads end, knows them all ended."""
    feed = site.front.services.feed
    ids = [await submitted(site, member) for _ in range(12)]
    known: dict[int, str] = {}
    seq: object = ""

    async def end_all() -> None:
        for history_id in ids:
            await rows.end(history_id, Status.COMPLETED)
            await feed.publish(state(member, history_id, Status.COMPLETED))

    def take(message: dict[str, Any]) -> object:
        if message["type"] == "snapshot":
            known.update({entry["history_id"]: entry["status"] for entry in message["downloads"]})
        else:
            known[message["history_id"]] = message["status"]
        return message["seq"]

    # What ends before it has been seen at all, nobody is told of.
    async with resumed(site, member, seq) as line:
        seq = take(await heard(line))
    ending = asyncio.create_task(end_all())
    rounds = 0
    async with asyncio.timeout(120):
        while not ending.done() or set(known.values()) != {"completed"}:
            rounds += 1
            async with resumed(site, member, seq) as line:
                with contextlib.suppress(TimeoutError):
                    # Longer each time: who always leaves early is told the same beginning.
                    for _ in range(rounds):
                        seq = take(await heard(line, 0.2))
    await ending

    assert known == dict.fromkeys(ids, "completed")
