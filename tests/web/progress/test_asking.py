"""`GET /progress`, for whom no socket gets through to: the same as a socket's first message."""

import httpx

from domain.states import Status
from tests.web.conftest import Join, Member, Site
from tests.web.rows import Rows
from tests.web.watching import fetched, heard, socket_of

ENTRY = {
    "history_id", "url", "title", "mode", "status", "status_code", "stage", "attempt", "percent",
    "downloaded_bytes", "total_bytes", "speed_bps", "eta_s", "waiting",
}  # fmt: skip


async def test_it_is_what_a_socket_is_told_first(site: Site, member: Member, rows: Rows) -> None:
    queued, running, ended = [await member.submit() for _ in range(3)]
    await rows.run(running)
    await rows.end(ended, Status.COMPLETED)
    await site.front.services.feed.publish(fetched(member, running, 40.0))

    asked = await member.http.get("/progress")
    async with socket_of(site, member.token) as line:
        first = await heard(line)

    snapshot = asked.json()
    entries = {one["history_id"]: one for one in snapshot["downloads"]}
    assert asked.status_code == 200
    assert set(snapshot) == {"seq", "downloads"}
    assert first == {"type": "snapshot", **snapshot}
    assert set(entries) == {queued, running}
    assert all(set(one) == ENTRY for one in entries.values())
    assert (entries[running]["status"], entries[running]["percent"]) == ("running", 40.0)
    # Others' downloads may run at the same site by now.
    assert entries[queued]["waiting"]["reason"] in ("slot", "site_limit")
    assert entries[queued]["waiting"]["until"] is None


async def test_nobody_is_shown_the_downloads_of_others(member: Member, join: Join) -> None:
    await member.submit()
    other = await join()

    asked = await other.http.get("/progress")

    assert asked.json()["downloads"] == []


async def test_without_a_token_nothing_is_shown(http: httpx.AsyncClient, member: Member) -> None:
    await member.submit()
    forged = {"Authorization": "Bearer none.of.ours"}

    refused = [await http.get("/progress", headers=headers) for headers in ({}, forged)]

    assert [one.status_code for one in refused] == [401, 401]
    assert all("WWW-Authenticate" in one.headers for one in refused)
    assert all(one.json()["code"] == "unauthorized" for one in refused)


async def test_a_key_that_may_only_submit_is_shown_nothing(
    http: httpx.AsyncClient, member: Member
) -> None:
    wanted = {"name": "a script", "scopes": ["submit"]}
    key = (await member.http.post("/auth/keys", json=wanted)).json()["key"]

    refused = await http.get("/progress", headers={"Authorization": f"Bearer {key}"})

    assert (refused.status_code, refused.json()["code"]) == (403, "forbidden")
