"""What administrators see and do, and that nobody else does."""

import asyncio
from collections.abc import Awaitable, Callable

import httpx
import pytest

from domain.states import Status
from runtime import settings_layers
from storage.disk import Disk
from storage.users import Users
from tests.web.conftest import Join, Member, Site
from tests.web.rows import Rows
from web.app import create_app

_APP = create_app(settings_layers.load({}, {"auth": {"secret": "s" * 32}}))
ROUTES = sorted(
    (method, rule.rule.replace("<user_id>", "1").replace("<history_id>", "1"))
    for rule in _APP.url_map.iter_rules()
    if rule.rule.startswith("/api/v1/admin")
    for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
)

Promote = Callable[[], Awaitable[Member]]


@pytest.fixture
def promoted(join: Join, rows: Rows) -> Promote:
    """Let another user be an administrator."""

    async def promote() -> Member:
        member = await join()
        await rows.ask(f"UPDATE users SET role = 'admin' WHERE user_id = {member.user_id}")
        return member

    return promote


@pytest.fixture
async def admin(promoted: Promote, rows: Rows) -> Member:
    """The only administrator."""
    await rows.ask("UPDATE users SET role = 'user'")
    return await promoted()


def test_the_routes_are_found() -> None:
    assert ("PATCH", "/api/v1/admin/users/1") in ROUTES
    assert len(ROUTES) >= 6


@pytest.mark.parametrize(("method", "path"), ROUTES)
async def test_nobody_else_is_let_in(
    site: Site, member: Member, rows: Rows, method: str, path: str
) -> None:
    state = "SELECT md5(string_agg(u::text, '' ORDER BY user_id)) FROM users u"
    before = await rows.ask(state)

    async with httpx.AsyncClient(base_url=site.url, timeout=30) as stranger:
        unknown = await stranger.request(method, path, json={"disabled": True})
    user = await member.http.request(method, site.url + path, json={"disabled": True})

    assert (unknown.status_code, unknown.json()["code"]) == (401, "unauthorized")
    assert (user.status_code, user.json()["code"]) == (403, "forbidden")
    assert await rows.ask(state) == before


async def test_accounts_are_listed_page_by_page_and_found_by_a_part_of_the_address(
    admin: Member, join: Join, site: Site
) -> None:
    odd = "100%_sure@example.org"
    await Users(site.front.services.db).add(odd, password_hash="never compared here")
    members = [await join() for _ in range(3)]
    seen: list[int] = []
    cursor = ""

    while True:
        page = (await admin.http.get(f"/admin/users?limit=2{cursor}")).json()
        seen += [item["user_id"] for item in page["items"]]
        if page["next_cursor"] is None:
            break
        cursor = f"&cursor={page['next_cursor']}"

    found = (await admin.http.get("/admin/users", params={"q": "%_SURE"})).json()["items"]
    assert seen == sorted(set(seen), reverse=True)
    assert {member.user_id for member in members} <= set(seen)
    assert [item["email"] for item in found] == [odd]
    assert set(found[0]) == {
        "user_id", "email", "nickname", "role", "created_at", "disabled_at",
    }  # fmt: skip


async def test_a_disabled_account_is_out_at_once_until_it_is_enabled(
    admin: Member, member: Member
) -> None:
    path = f"/admin/users/{member.user_id}"

    disabled = await admin.http.patch(path, json={"disabled": True})
    out = await member.http.get("/auth/me")
    enabled = await admin.http.patch(path, json={"disabled": False})
    still_out = await member.http.get("/auth/me")

    assert disabled.json()["disabled_at"] is not None
    assert enabled.json()["disabled_at"] is None
    assert (out.status_code, still_out.status_code) == (401, 401)


async def test_a_new_role_ends_the_tokens_and_the_same_role_does_not(
    admin: Member, member: Member, http: httpx.AsyncClient
) -> None:
    path = f"/admin/users/{member.user_id}"

    same = await admin.http.patch(path, json={"role": "user", "disabled": False})
    before = await member.http.get("/auth/me")
    other = await admin.http.patch(path, json={"role": "admin"})
    after = await member.http.get("/auth/me")
    refreshed = await http.post("/auth/refresh", json={"refresh_token": member.refresh_token})

    assert (same.status_code, before.status_code) == (200, 200)
    assert (other.json()["role"], after.status_code) == ("admin", 401)
    assert refreshed.status_code == 401


@pytest.mark.parametrize("change", [{"role": "user"}, {"disabled": True}])
async def test_the_last_administrator_stays(
    admin: Member, promoted: Promote, change: dict[str, object]
) -> None:
    alone = await admin.http.patch(f"/admin/users/{admin.user_id}", json=change)
    await promoted()
    with_another = await admin.http.patch(f"/admin/users/{admin.user_id}", json=change)

    assert (alone.status_code, alone.json()["code"]) == (409, "conflict")
    assert with_another.status_code == 200


async def test_of_administrators_who_end_each_other_at_once_one_stays(
    admin: Member, promoted: Promote, rows: Rows
) -> None:
    admins = [admin, *[await promoted() for _ in range(4)]]
    pairs = zip(admins, [*admins[1:], admin], strict=True)

    await asyncio.gather(
        *(one.http.patch(f"/admin/users/{other.user_id}", json={"role": "user"})
          for one, other in pairs)
    )  # fmt: skip

    count = "SELECT count(*) FROM users WHERE role = 'admin' AND disabled_at IS NULL"
    assert int(await rows.ask(count)) >= 1


@pytest.mark.parametrize(
    "body", [{}, {"role": "root"}, {"disabled": "yes"}, {"email": "a@example.com"}, {"role": None}]
)
async def test_a_change_that_is_none_is_422(admin: Member, body: dict[str, object]) -> None:
    assert (await admin.http.patch("/admin/users/1", json=body)).status_code == 422


async def test_an_account_that_is_not_there_is_404(admin: Member) -> None:
    answer = await admin.http.patch("/admin/users/999999999", json={"role": "user"})

    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


async def test_every_node_is_shown_with_its_load(admin: Member, site: Site, rows: Rows) -> None:
    nodes = site.front.services.nodes
    disk = Disk(total_bytes=1_000, free_bytes=600, staging_bytes=30, spare_bytes=100)
    await nodes.beat("node-z", "http://node-z.example", sandbox="landlock", disk=disk)
    await nodes.set_draining("node-z", draining=True)
    await rows.set(await admin.submit(), "status = 5, storage_node = 'node-z', expected_bytes = 50")

    shown = {n["node"]: n for n in (await admin.http.get("/admin/nodes")).json()["items"]}

    told = shown["node-z"]
    assert told.pop("heartbeat_at")
    assert told == {
        "node": "node-z", "url": "http://node-z.example", "alive": True, "draining": True,
        "running": 1, "sandbox": "landlock", "disk_total_bytes": 1_000, "disk_free_bytes": 600,
        "staging_bytes": 30, "reserved_bytes": 100, "room_bytes": 430,
    }  # fmt: skip


async def test_everybodys_downloads_are_filtered(
    admin: Member, member: Member, join: Join, rows: Rows
) -> None:
    other = await join()
    mine, theirs = await member.submit("https://example.com/UNIQUE_1"), await other.submit()
    await rows.set(mine, "status = 1, storage_node = 'node-y'")

    async def ids(**query: object) -> list[int]:
        page = await admin.http.get(
            "/admin/downloads", params={k: str(v) for k, v in query.items()}
        )
        assert page.status_code == 200, page.text
        return [item["history_id"] for item in page.json()["items"]]

    assert (await ids(limit=2)) == [theirs, mine]
    assert await ids(user=other.user_id) == [theirs]
    assert await ids(user=member.user_id, status="completed") == [mine]
    assert await ids(node="node-y") == [mine]
    assert await ids(q="unique_1") == [mine]
    assert await ids(user=other.user_id, q="unique_1") == []
    assert theirs in await ids(status="queued", mode="archive")


async def test_an_administrators_cursor_is_no_ones_else(
    admin: Member, promoted: Promote, member: Member
) -> None:
    for _ in range(3):
        await member.submit()
    path = f"/admin/downloads?limit=1&user={member.user_id}"
    cursor = (await admin.http.get(path)).json()["next_cursor"]

    other = await promoted()

    assert (await admin.http.get(f"{path}&cursor={cursor}")).status_code == 200
    assert (await other.http.get(f"{path}&cursor={cursor}")).status_code == 422
    assert (await member.http.get(f"/user/history?cursor={cursor}")).status_code == 422


async def test_an_administrator_cancels_anybodys_download(
    admin: Member, member: Member, rows: Rows
) -> None:
    queued, running = await member.submit(), await member.submit()
    await rows.run(running)

    answers = [
        await admin.http.post(f"/admin/downloads/{history_id}/cancel")
        for history_id in (queued, queued, running, 2**62)
    ]

    assert [a.status_code for a in answers] == [200, 409, 202, 404]
    shown = await member.http.get(f"/download/{queued}")
    assert shown.json()["status_code"] == Status.CANCELLED


async def test_only_administrators_read_what_yt_dlp_said(
    admin: Member, member: Member, rows: Rows
) -> None:
    history_id = await member.submit()
    await rows.run(history_id)
    await rows.ask(f"UPDATE stage_runs SET detail = 'It said so.' WHERE history_id = {history_id}")

    told = await admin.http.get(f"/admin/downloads/{history_id}")
    own = await member.http.get(f"/download/{history_id}")

    assert told.json()["runs"][0]["detail"] == "It said so."
    assert told.json()["user_id"] == member.user_id
    assert "It said so." not in own.text
    assert (await admin.http.get(f"/admin/downloads/{2**62}")).status_code == 404
