import asyncio
import re
import statistics
import time

import httpx
import pytest

from tests.web.conftest import PASSWORD, Join, Member, Serve, fresh_email
from tests.web.rows import Rows


async def test_a_new_account_can_log_in_and_is_told_who_it_is(http: httpx.AsyncClient) -> None:
    email = fresh_email()
    account = {"email": email.upper(), "password": PASSWORD, "nickname": "Ada"}

    registered = await http.post("/auth/register", json=account)
    session = await http.post("/auth/login", json={"email": email, "password": PASSWORD})
    me = await http.get(
        "/auth/me", headers={"Authorization": f"Bearer {session.json()['access_token']}"}
    )

    assert registered.status_code == 201
    assert registered.json() == session.json()["user"] == me.json()
    assert me.json()["email"] == email
    assert set(me.json()) == {"user_id", "email", "nickname", "role", "created_at"}
    assert session.json()["token_type"] == "Bearer"
    assert session.json()["expires_in"] == 900


async def test_an_address_is_taken_in_every_way_of_writing_it(http: httpx.AsyncClient) -> None:
    email = fresh_email()
    forms = [email, email.upper(), email.replace("u", "\uff55"), f"{email} "]

    answers = [
        await http.post("/auth/register", json={"email": form, "password": PASSWORD})
        for form in forms
    ]

    assert [a.status_code for a in answers] == [201, 409, 409, 409]
    assert answers[1].json()["code"] == "conflict"


async def test_of_twenty_who_register_one_address_one_gets_it(http: httpx.AsyncClient) -> None:
    account = {"email": fresh_email(), "password": PASSWORD}

    answers = await asyncio.gather(*(http.post("/auth/register", json=account) for _ in range(20)))

    assert sorted(a.status_code for a in answers) == [201] + [409] * 19


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("password", "1234567"),
        ("password", "x" * 129),
        ("password", 12345678),
        ("password", "\0" * 8),
        ("email", ""),
        ("email", "ada"),
        ("email", "@example.com"),
        ("email", "ada@"),
        ("email", "a@b@c"),
        ("email", "a\nb@example.com"),
        ("email", "a\u200db@example.com"),
        # A dotless i and a Cyrillic a: a second "admin" to every reader.
        ("email", "adm\u0131n@example.com"),
        ("email", "\u0430dmin@example.com"),
        ("email", "a" * 250 + "@example.com"),
        # Eighteen letters in the canonical form each, which would not fit the column.
        ("email", "\ufdfa" * 20 + "@example.com"),
        ("nickname", "x" * 65),
        ("role", "admin"),
        ("user_id", 1),
    ],
)
async def test_a_registration_out_of_bounds_makes_no_account(
    http: httpx.AsyncClient, rows: Rows, field: str, value: object
) -> None:
    account = {"email": "ada@example.com", "password": PASSWORD} | {field: value}
    before = await rows.count()

    answer = await http.post("/auth/register", json=account)

    assert answer.status_code == 422, answer.text
    assert answer.json()["code"] == "invalid_request"
    assert str(value) not in answer.text or value in ("", 1)
    assert await rows.count() == before


async def test_passwords_keep_blanks_and_emoji(http: httpx.AsyncClient) -> None:
    account = {"email": fresh_email(), "password": "  🦊 geheim  "}
    await http.post("/auth/register", json=account)

    right = await http.post("/auth/login", json=account)
    trimmed = await http.post("/auth/login", json=account | {"password": "🦊 geheim"})

    assert (right.status_code, trimmed.status_code) == (200, 401)


async def test_the_kept_hash_is_argon2id(member: Member, rows: Rows) -> None:
    kept = await rows.ask(f"SELECT password_hash FROM users WHERE user_id = {member.user_id}")

    assert re.match(r"\$argon2id\$v=19\$m=19456,t=2,p=1\$", kept)


async def test_a_closed_server_takes_no_accounts(serve: Serve) -> None:
    async with (
        serve(auth={"registration": "closed"}) as site,
        httpx.AsyncClient(base_url=f"{site.url}/api/v1", timeout=30) as http,
    ):
        answer = await http.post(
            "/auth/register", json={"email": "ada@example.com", "password": PASSWORD}
        )

        assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")


async def test_a_wrong_password_and_an_unknown_account_look_the_same(
    http: httpx.AsyncClient, member: Member
) -> None:
    bodies: list[bytes] = []
    seconds: dict[str, list[float]] = {member.email: [], "nobody@example.com": []}

    for email in [*seconds] * 10:
        start = time.perf_counter()
        answer = await http.post("/auth/login", json={"email": email, "password": "x" * 12})
        seconds[email].append(time.perf_counter() - start)
        assert answer.status_code == 401
        bodies.append(answer.content)

    assert len(set(bodies)) == 1
    known, unknown = (statistics.median(times) for times in seconds.values())
    assert unknown > known / 2


async def test_a_refresh_token_works_once_and_a_second_use_ends_its_family(
    http: httpx.AsyncClient, member: Member
) -> None:
    first = {"refresh_token": member.refresh_token}

    renewed = await http.post("/auth/refresh", json=first)
    again = await http.post("/auth/refresh", json=first)
    heir = await http.post("/auth/refresh", json={"refresh_token": renewed.json()["refresh_token"]})

    assert [renewed.status_code, again.status_code, heir.status_code] == [200, 401, 401]
    assert set(renewed.json()) == {
        "access_token", "refresh_token", "token_type", "expires_in", "user",
    }  # fmt: skip


async def test_after_logout_no_token_works(http: httpx.AsyncClient, member: Member) -> None:
    left = await member.http.post("/auth/logout")

    me = await member.http.get("/auth/me")
    renewed = await http.post("/auth/refresh", json={"refresh_token": member.refresh_token})

    assert (left.status_code, left.content) == (204, b"")
    assert (me.status_code, renewed.status_code) == (401, 401)


async def test_a_disabled_account_is_a_stranger(member: Member, rows: Rows) -> None:
    await rows.ask(f"UPDATE users SET disabled_at = now() WHERE user_id = {member.user_id}")

    answers = [
        await member.http.get("/auth/me"),
        await member.http.post("/auth/login", json={"email": member.email, "password": PASSWORD}),
        await member.http.post("/auth/refresh", json={"refresh_token": member.refresh_token}),
    ]

    assert {answer.status_code for answer in answers} == {401}


async def test_fifty_logins_at_once_leave_the_other_routes_quick(
    http: httpx.AsyncClient, member: Member, join: Join
) -> None:
    other = await join()
    account = {"email": member.email, "password": PASSWORD}
    logins = [asyncio.create_task(http.post("/auth/login", json=account)) for _ in range(50)]

    await other.http.get("/auth/me")
    done = sum(login.done() for login in logins)

    assert {answer.status_code for answer in await asyncio.gather(*logins)} == {200}
    # Not after them: most have not had their turn yet.
    assert done < len(logins) / 2


async def test_refusals_write_nothing(http: httpx.AsyncClient, member: Member, rows: Rows) -> None:
    before = await rows.count()

    await http.post("/auth/login", json={"email": member.email, "password": "wrong wrong"})
    await http.post("/auth/refresh", json={"refresh_token": "no such token"})

    assert await rows.count() == before
