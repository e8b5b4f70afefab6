"""Personal API keys."""

import asyncio
from collections.abc import Callable

import pytest

from tests.support.waiting import eventually
from tests.web.conftest import PASSWORD, Join, Member, Site
from tests.web.rows import Rows
from tests.web.scripting import make, script
from tests.web.watching import close_code, heard, socket_of


async def test_a_key_is_shown_once_and_kept_as_a_hash(member: Member, rows: Rows) -> None:
    made = await make(member, "read")

    listed = await member.http.get("/auth/keys")

    key = made.pop("key")
    assert key.startswith("vst_")
    assert len(key) == 47
    assert key.startswith(made["prefix"])
    assert len(made["prefix"]) == 12
    assert listed.json() == {"items": [made]}
    assert key not in await rows.ask("SELECT * FROM api_keys")
    assert (made["expires_at"], made["last_used_at"]) == (None, None)


async def test_a_script_does_everything_with_its_key(site: Site, member: Member) -> None:
    async with script(site, (await make(member))["key"]) as http:
        submitted = await http.post(
            "/download", json={"url": "https://example.com/v", "mode": "archive"}
        )
        history_id = submitted.json()["history_id"]
        shown = await http.get(f"/download/{history_id}")
        page = await http.get("/user/history")
        cancelled = await http.post(f"/download/{history_id}/cancel")
        deleted = await http.delete(f"/user/history/{history_id}")

    answers = [submitted, shown, page, cancelled, deleted]
    assert [answer.status_code for answer in answers] == [202, 200, 200, 200, 204]


SPOILERS: list[Callable[[str], str]] = [
    lambda key: key[:-1],
    lambda key: key + "A",
    lambda key: key[:-1] + ("B" if key[-1] == "A" else "A"),
    str.upper,
    lambda key: key.removeprefix("vst_"),
    lambda _: "vst_",
    lambda _: "vst_" + "A" * 43,
    lambda _: "vst_' OR 1=1--",
]


@pytest.mark.parametrize("spoil", SPOILERS, ids=range(len(SPOILERS)))
async def test_what_is_no_key_is_nobody(
    site: Site, member: Member, spoil: Callable[[str], str]
) -> None:
    key = (await make(member))["key"]

    async with script(site, spoil(key)) as http:
        answer = await http.get("/user/history")

    assert (answer.status_code, answer.json()["code"]) == (401, "unauthorized")
    assert answer.headers["WWW-Authenticate"] == "Bearer"


@pytest.mark.usefixtures("unchecked")
async def test_a_revoked_key_is_nobody_at_once_and_loses_its_socket(
    site: Site, member: Member
) -> None:
    made, other = await make(member), await make(member)

    async with script(site, made["key"]) as http, socket_of(site, made["key"]) as line:
        await heard(line)
        before = await http.get("/user/history")
        revoked = await member.http.delete(f"/auth/keys/{made['key_id']}")
        after = await http.get("/user/history")
        code = await close_code(line)

    left = (await member.http.get("/auth/keys")).json()["items"]
    assert [a.status_code for a in (before, revoked, after)] == [200, 204, 401]
    assert code == 4401
    assert [key["key_id"] for key in left] == [other["key_id"]]


async def test_a_key_ends_itself_but_no_other(site: Site, member: Member) -> None:
    made, other = await make(member, "read"), await make(member)

    async with script(site, made["key"]) as http:
        refused = await http.delete(f"/auth/keys/{other['key_id']}")
        ended = await http.delete(f"/auth/keys/{made['key_id']}")
        after = await http.get("/user/history")

    left = (await member.http.get("/auth/keys")).json()["items"]
    assert [a.status_code for a in (refused, ended, after)] == [403, 204, 401]
    assert [key["key_id"] for key in left] == [other["key_id"]]


async def test_a_key_of_a_disabled_account_is_nobody(site: Site, member: Member) -> None:
    key = (await make(member))["key"]
    await site.front.services.users.disable(member.email)

    async with script(site, key) as http:
        assert (await http.get("/user/history")).status_code == 401


async def test_a_key_past_its_end_is_nobody(site: Site, member: Member, rows: Rows) -> None:
    made = await make(member, expires_in_d=1)
    async with script(site, made["key"]) as http:
        before = await http.get("/user/history")
        await rows.ask(f"UPDATE api_keys SET expires_at = now() WHERE key_id = {made['key_id']}")
        after = await http.get("/user/history")

    assert made["expires_at"] is not None
    assert (before.status_code, after.status_code) == (200, 401)


async def test_a_logout_and_a_new_password_leave_keys_alone(site: Site, member: Member) -> None:
    key = (await make(member))["key"]
    body = {"current_password": PASSWORD, "new_password": "a battery of horses"}
    await member.http.put("/auth/password", json=body)

    async with script(site, key) as http:
        assert (await http.get("/user/history")).status_code == 200


async def test_the_last_use_is_written_down_once_a_minute(
    site: Site, member: Member, rows: Rows
) -> None:
    made = await make(member)
    which = f"WHERE key_id = {made['key_id']}"

    async def used() -> str:
        return await rows.ask(f"SELECT coalesce(last_used_at::text, '') FROM api_keys {which}")

    async with script(site, made["key"]) as http:
        await http.get("/user/history")
        first = await eventually(used)
        await asyncio.gather(*(http.get("/user/history") for _ in range(20)))
        unchanged = await used()
        await rows.ask(f"UPDATE api_keys SET last_used_at = now() - interval '2 minutes' {which}")
        long_ago = await used()
        await http.get("/user/history")

        async def is_renewed() -> bool:
            return await used() > long_ago

        await eventually(is_renewed)
    assert unchanged == first


async def test_of_many_at_once_fifty_are_made_and_a_removed_one_makes_room(
    member: Member,
) -> None:
    body = {"name": "many", "scopes": ["read"]}

    answers = await asyncio.gather(*(member.http.post("/auth/keys", json=body) for _ in range(60)))

    assert sorted(a.status_code for a in answers) == [201] * 50 + [409] * 10
    key_id = next(a.json()["key_id"] for a in answers if a.status_code == 201)
    removals = [member.http.delete(f"/auth/keys/{key_id}") for _ in range(5)]
    assert sorted(a.status_code for a in await asyncio.gather(*removals)) == [204] + [403] * 4
    again = [(await member.http.post("/auth/keys", json=body)).status_code for _ in range(2)]
    assert again == [201, 409]


async def test_anothers_key_is_not_shown_and_not_removed(member: Member, join: Join) -> None:
    made = await make(await join())

    removed = await member.http.delete(f"/auth/keys/{made['key_id']}")
    unknown = await member.http.delete("/auth/keys/999999")

    assert (await member.http.get("/auth/keys")).json() == {"items": []}
    assert (removed.status_code, removed.content) == (403, unknown.content)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", ""),
        ("name", "x" * 65),
        ("name", 1),
        ("scopes", []),
        ("scopes", ["admin"]),
        ("scopes", "read"),
        ("scopes", ["read"] * 4),
        ("expires_in_d", 0),
        ("expires_in_d", -1),
        ("expires_in_d", 3_651),
        ("expires_in_d", "1"),
        ("user_id", 1),
    ],
)
async def test_a_key_out_of_bounds_is_not_made(member: Member, field: str, value: object) -> None:
    body = {"name": "cron", "scopes": ["read"]} | {field: value}

    answer = await member.http.post("/auth/keys", json=body)

    assert answer.status_code == 422
    assert (await member.http.get("/auth/keys")).json() == {"items": []}


@pytest.mark.parametrize("key_id", ["0", "x", "-1", "9223372036854775808"])
async def test_an_id_that_is_none_is_told(member: Member, key_id: str) -> None:
    answer = await member.http.delete(f"/auth/keys/{key_id}")

    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == "key_id"
