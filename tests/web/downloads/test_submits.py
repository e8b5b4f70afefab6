"""Which submits are let in: not too many of one user, and none for which no disk has room."""

import asyncio
from collections import Counter
from datetime import timedelta

import httpx

from domain.findings import Findings, Format
from storage.disk import Disk
from storage.parses import NONE, Question
from tests.web.conftest import Serve, Site, register

VIDEO = {"url": "https://example.com/watch", "mode": "archive"}
BATCH = {"urls": ["https://example.com/a"], "mode": "archive"}
OTHER = {"url": "https://example.com/long", "mode": "archive"}
GB = 10**9


def client_of(site: Site) -> httpx.AsyncClient:
    return httpx.AsyncClient(base_url=f"{site.url}/api/v1", timeout=30)


async def tell(site: Site, free_bytes: int, node: str = "node-a") -> None:
    """Let a node tell how much is free on its disk."""
    disk = Disk(total_bytes=10 * GB, free_bytes=free_bytes, staging_bytes=0, spare_bytes=0)
    await site.front.services.nodes.beat(node, "", sandbox="full", disk=disk)


async def parsed(site: Site, url: str, size_bytes: int) -> None:
    """Let an address be known, as if somebody had had it parsed."""
    parses = site.front.services.parses
    await parses.ask(Question(url=url, user_id=1, new="f"), NONE)
    flight = await parses.board()
    assert flight is not None
    formats = (Format(format_id="1", filesize=size_bytes, vcodec="h264", acodec="aac"),)
    words = dict.fromkeys(("duration_s", "thumbnail", "uploader", "webpage_url"))
    found = Findings(title="t", extractor="e", live=False, formats=formats, entries=None, **words)
    await parses.land(flight, found, keep=timedelta(minutes=1))


async def test_a_flood_of_one_user_is_refused_and_others_are_not(serve: Serve) -> None:
    """Source: reliability row UR-28. A minute's worth at once, then one each twenty seconds."""
    async with (
        serve(downloads={"per_user_submits": 3}) as site,
        client_of(site) as one,
        client_of(site) as two,
    ):
        await register(one)
        await register(two)
        flood = [one.post("/download", json=VIDEO) for _ in range(40)]
        batches = [one.post("/download/batch", json=BATCH) for _ in range(10)]
        others = [two.post("/download", json=VIDEO) for _ in range(3)]
        answers = await asyncio.gather(*flood, *batches, *others)

    mine, theirs = answers[:50], answers[50:]
    refused = [answer for answer in mine if answer.status_code == 429]
    assert Counter(answer.status_code for answer in theirs) == {202: 3}
    assert {answer.status_code for answer in mine} == {202, 429}
    # More than three only where fifty requests took this machine twenty seconds.
    assert 3 <= len(mine) - len(refused) < 10
    assert {answer.json()["code"] for answer in refused} == {"rate_limited"}
    assert all(1 <= int(answer.headers["Retry-After"]) <= 20 for answer in refused)


async def test_while_redis_is_away_each_process_counts_alone(serve: Serve) -> None:
    away = {"url": "redis://127.0.0.1:1/0"}
    async with (
        serve(downloads={"per_user_submits": 2}, redis=away) as site,
        client_of(site) as one,
        client_of(site) as two,
    ):
        await register(one)
        await register(two)
        answers = [await one.post("/download", json=VIDEO) for _ in range(3)]
        other = await two.post("/download", json=VIDEO)

    assert [answer.status_code for answer in answers] == [202, 202, 429]
    assert other.status_code == 202


async def test_without_room_on_any_node_a_submit_is_503(serve: Serve) -> None:
    async with serve() as site, client_of(site) as one:
        await register(one)
        await tell(site, GB // 2)
        refused = [
            await one.post(path, json=body)
            for path, body in (("/download", VIDEO), ("/download/batch", BATCH))
        ]
        await tell(site, 2 * GB, node="node-b")
        accepted = await one.post("/download", json=VIDEO)

    for answer in refused:
        assert (answer.status_code, answer.json()["code"]) == (503, "disk_full")
        assert int(answer.headers["Retry-After"]) > 0
    assert accepted.status_code == 202


async def test_a_repeat_is_answered_though_the_disk_is_full_by_now(serve: Serve) -> None:
    async with serve() as site, client_of(site) as one:
        await register(one)
        key = {"Idempotency-Key": "k"}
        first = await one.post("/download", json=VIDEO, headers=key)
        await tell(site, 0)
        again = await one.post("/download", json=VIDEO, headers=key)

    assert (again.status_code, again.text) == (202, first.text)


async def test_what_a_parse_has_found_is_reserved_and_judged(serve: Serve) -> None:
    async with serve() as site, client_of(site) as one:
        await register(one)
        await tell(site, 3 * GB)
        await parsed(site, VIDEO["url"], GB)
        await parsed(site, OTHER["url"], 2 * GB)
        answer = await one.post("/download", json=VIDEO)
        row = await site.front.services.downloads.of_user(
            answer.json()["history_id"], (await one.get("/auth/me")).json()["user_id"]
        )
        refused = await one.post("/download", json=OTHER)

    assert row is not None
    assert row["expected_bytes"] == GB
    assert (refused.status_code, refused.json()["code"]) == (503, "disk_full")
