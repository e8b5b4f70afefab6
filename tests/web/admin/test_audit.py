"""Who did what: written with the deed, read by administrators."""

import asyncio
from datetime import timedelta
from typing import Any

import httpx
import pytest

from domain.states import Status
from storage import audit
from storage.audit import Action
from storage.db import DatabaseError, Db
from storage.deliveries import Deliveries, Outcome, Tally
from tests.support.waiting import eventually
from tests.web.conftest import PASSWORD, Join, Member, Site
from tests.web.rows import Rows


@pytest.fixture
async def admin(join: Join, rows: Rows) -> Member:
    member = await join()
    await rows.ask(f"UPDATE users SET role = 'admin' WHERE user_id = {member.user_id}")
    return member


async def trail(admin: Member, **query: object) -> list[dict[str, Any]]:
    """Return all entries of a query, oldest first, page by page."""
    entries: list[dict[str, Any]] = []
    more: dict[str, object] = {"limit": 3}
    while True:
        asked = {name: str(value) for name, value in (query | more).items()}
        answer = await admin.http.get("/admin/audit", params=asked)
        assert answer.status_code == 200, answer.text
        entries += answer.json()["items"]
        if answer.json()["next_cursor"] is None:
            return entries[::-1]
        more["cursor"] = answer.json()["next_cursor"]


async def test_what_a_user_does_is_written_with_request_and_network(
    admin: Member, member: Member, rows: Rows
) -> None:
    url = "https://example.com/secret_address"
    answer = await member.http.post("/download", json={"url": url, "mode": "archive"})
    history_id = answer.json()["history_id"]
    await member.http.post(f"/download/{history_id}/cancel")
    await member.http.post(f"/download/{history_id}/retry")
    await rows.finish(history_id, b"film", user_id=member.user_id)
    await member.http.post("/download/file-ticket", json={"history_id": history_id})
    await member.http.delete(f"/user/history/{history_id}")
    await member.http.post("/auth/logout")

    entries = await trail(admin, user=member.user_id)

    assert [entry["action"] for entry in entries] == [
        "register", "login", "submit", "cancel", "retry", "ticket", "delete", "logout",
    ]  # fmt: skip
    assert entries[2] | {"audit_id": 0, "at": ""} == {
        "audit_id": 0, "at": "", "actor_id": member.user_id, "action": "submit",
        "user_id": member.user_id, "history_id": history_id, "number": 1, "detail": None,
        "request_id": answer.headers["X-Request-Id"], "network": "loopback",
    }  # fmt: skip
    kept = await rows.ask("SELECT string_agg(a::text, '') FROM audit a")
    assert not any(word in kept for word in ("secret_address", PASSWORD, member.token, "127.0.0.1"))


async def test_what_an_administrator_does_names_both(admin: Member, member: Member) -> None:
    history_id = await member.submit()

    await admin.http.post(f"/admin/downloads/{history_id}/cancel")
    await admin.http.patch(f"/admin/users/{member.user_id}", json={"disabled": True})
    await admin.http.patch(f"/admin/users/{member.user_id}", json={"disabled": True})

    entries = (await trail(admin, user=member.user_id))[-2:]
    assert [
        (entry["actor_id"], entry["user_id"], entry["action"], entry["detail"]) for entry in entries
    ] == [
        (admin.user_id, member.user_id, "cancel", None),
        (admin.user_id, member.user_id, "account", "role=user disabled=True"),
    ]
    assert entries[-1] in await trail(admin, user=admin.user_id, action="account")
    assert entries[0] in await trail(admin, history_id=history_id)


async def test_keys_batches_and_quotas_are_written_too(admin: Member, member: Member) -> None:
    made = await member.http.post("/auth/keys", json={"name": "cron", "scopes": ["read"]})
    await member.http.delete(f"/auth/keys/{made.json()['key_id']}")
    urls = [f"https://example.com/{number}" for number in range(2)]
    batch = await member.http.post("/download/batch", json={"urls": urls, "mode": "archive"})
    await member.http.post(f"/download/batch/{batch.json()['batch_id']}/cancel")
    await admin.http.patch(f"/admin/users/{member.user_id}", json={"quota": {"archive_bytes": 1}})

    entries = await trail(admin, user=member.user_id)

    assert [entry["action"] for entry in entries[2:]] == [
        "key", "key", "submit", "submit", "cancel", "cancel", "quota",
    ]  # fmt: skip
    assert entries[-1]["actor_id"] == admin.user_id


async def test_what_is_refused_is_not_written(admin: Member, member: Member, rows: Rows) -> None:
    history_id = await member.submit()
    await rows.end(history_id, Status.COMPLETED)
    before = await trail(admin, user=member.user_id)

    for path in (f"/download/{history_id}/cancel", f"/download/{history_id}/retry"):
        assert (await member.http.post(path)).status_code == 409
    await member.http.post("/download", json={"url": "nonsense", "mode": "archive"})
    await member.http.delete(f"/user/history/{2**62}")

    assert await trail(admin, user=member.user_id) == before


async def test_wrong_passwords_are_counted_without_a_name(
    admin: Member, member: Member, http: httpx.AsyncClient, rows: Rows
) -> None:
    counted = "SELECT coalesce(sum(number), 0) FROM audit WHERE action = 'login_failed'"
    before = int(await rows.ask(counted))

    await asyncio.gather(
        *(http.post("/auth/login", json={"email": "eve@example.com", "password": "x" * 9})
          for _ in range(4))
    )  # fmt: skip
    guess = {"current_password": "x" * 9, "new_password": "a battery of horses"}
    await member.http.put("/auth/password", json=guess)

    assert int(await rows.ask(counted)) == before + 5
    entries = await trail(admin, action="login_failed")
    assert len(entries) <= 2  # an hour may have ended
    assert {(entry["actor_id"], entry["user_id"]) for entry in entries} == {(None, None)}


async def test_a_file_is_delivered_once_an_hour_however_many_parts(
    admin: Member, member: Member, rows: Rows
) -> None:
    history_id = await member.submit()
    await rows.finish(history_id, b"x" * 100, user_id=member.user_id)

    for start in range(5):
        headers = {"Range": f"bytes={start}-{start}"}
        answer = await member.http.get(f"/download/file?history_id={history_id}", headers=headers)
        assert answer.status_code == 206

    async def told() -> bool:
        entries = await trail(admin, history_id=history_id, action="delivered")
        assert len(entries) <= 2  # an hour may have ended
        return sum(entry["number"] for entry in entries) == 5

    await eventually(told)


async def test_a_deed_that_fails_leaves_no_entry_and_no_entry_no_deed(
    db: Db,
) -> None:
    await db.raw("ALTER TABLE audit ADD CONSTRAINT never CHECK (action <> 'register') NOT VALID")

    with pytest.raises(DatabaseError, match="CheckViolation"):
        await audit.change(
            db, Action.REGISTER, "users_insert",
            email="ada@example.com", nickname=None, password_hash="never", role="user",
        )  # fmt: skip

    assert await db.all("users_all") == []


async def test_old_entries_go_and_the_others_stay(site: Site, admin: Member, rows: Rows) -> None:
    await rows.ask("INSERT INTO audit (action, at) SELECT 'key', now() - interval '9 days' "
                   "FROM generate_series(1, 6000)")  # fmt: skip

    gone = await site.front.services.trail.forget(timedelta(days=8))

    assert gone == 6000
    assert await trail(admin, user=admin.user_id)


async def test_entries_are_found_by_their_time(admin: Member) -> None:
    login = (await trail(admin, user=admin.user_id))[-1]

    assert await trail(admin, user=admin.user_id, since=login["at"]) == [login]
    assert await trail(admin, since="2999-01-01T00:00:00Z") == []


@pytest.mark.parametrize(
    "query", ["action=x", "since=yesterday", "since=2026-01-01T00:00:00", "user=0", "cursor=x"]
)
async def test_a_query_that_is_not_understood_is_422(admin: Member, query: str) -> None:
    assert (await admin.http.get(f"/admin/audit?{query}")).status_code == 422


async def test_deliveries_and_their_entries_are_one_transaction(db: Db) -> None:
    await db.raw("DROP TABLE audit")

    with pytest.raises(DatabaseError, match="UndefinedTable"):
        await Deliveries(db, node="node-a").add({}, {Outcome.SENT: Tally(1, 1)})

    assert await db.all("delivery_totals_all") == []
