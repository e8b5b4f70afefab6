"""What strangers send to the doors of the accounts."""

import re

import httpx
import pytest

from tests.web.conftest import PASSWORD, Member, fresh_email
from tests.web.rows import Rows
from tests.web.scripting import make

DOORS = ("/auth/login", "/auth/register")
JSON = {"Content-Type": "application/json"}


@pytest.mark.parametrize(
    ("length", "status"), [(7, 422), (8, 201), (64, 201), (128, 201), (1_000, 422), (2**20, 413)]
)
async def test_a_password_is_as_long_as_is_written(
    http: httpx.AsyncClient, length: int, status: int
) -> None:
    """Reliability row AU-1; that the last ones cost no hash is shown in accounts/logins."""
    password = ("horse battery " * (length // 14 + 1))[:length]

    answer = await http.post("/auth/register", json={"email": fresh_email(), "password": password})

    assert answer.status_code == status


async def test_nothing_that_opens_a_door_is_kept_as_it_is(member: Member, rows: Rows) -> None:
    key = (await make(member))["key"]
    tables = await rows.ask("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")

    kept = "".join([await rows.ask(f"SELECT t::text FROM {name} t") for name in tables.split()])

    assert member.email in kept
    for secret in (PASSWORD, member.token, member.refresh_token, key):
        assert secret not in kept
    hashes = re.findall(r"\$argon2id\$v=19\$m=19456,t=2,p=1\$([^$]+)\$", kept)
    assert len(hashes) == len(set(hashes)) > 0


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"[]", 422),
        (b"null", 422),
        (b'"x"', 422),
        (b"{}", 422),
        (b'{"email":{"$ne":1},"password":"correct horse"}', 422),
        (b'{"email":"a@example.com","password":{"$gt":""}}', 422),
        (b'{"email":"a@example.com","password":12345678}', 422),
        (b'{"email":"a@example.com","password":null}', 422),
        (b'{"email":["a@example.com"],"password":"correct horse"}', 422),
        (b'{"email":"a@example.com","password":"correct horse","role":"admin"}', 422),
        (b'{"email":"a@example.com","email":"b@example.com","password":"correct horse"}', 400),
        (b'{"email":"a@example.com","password":"x","p\\u0061ssword":"correct horse"}', 400),
        (b'{"email":"a\\u0000@example.com","password":"correct horse"}', 422),
        (b'{"email":"\\ud800@example.com","password":"correct horse"}', 422),
        (b'{"email":"a@example.com","password":"\\ud800 correct horse"}', 422),
        (b"email=a@example.com&password=correct+horse", 400),
        (b"", 400),
    ],
)
async def test_a_body_that_is_none_is_refused(
    http: httpx.AsyncClient, door: str, body: bytes, status: int
) -> None:
    answer = await http.post(door, content=body, headers=JSON)

    assert (answer.status_code, answer.json()["code"]) == (status, "invalid_request")


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize(
    "content_type",
    ["application/x-www-form-urlencoded", "text/plain", "multipart/form-data; boundary=x", None],
)
async def test_what_a_page_elsewhere_can_send_is_415(
    http: httpx.AsyncClient, door: str, content_type: str | None
) -> None:
    body = b'{"email":"a@example.com","password":"correct horse"}'
    headers = {"Content-Type": content_type} if content_type else {}

    answer = await http.post(door, content=body, headers=headers)

    assert answer.status_code == 415


@pytest.mark.parametrize(
    "email", ["' OR 1=1--", "a@example.com' OR '1'='1", "%00", "\\", "a@example.com; DROP TABLE u"]
)
async def test_sql_is_an_unknown_account(http: httpx.AsyncClient, email: str) -> None:
    answer = await http.post("/auth/login", json={"email": email, "password": PASSWORD})

    assert answer.status_code == 401


async def test_each_secret_opens_its_own_door_only(http: httpx.AsyncClient, member: Member) -> None:
    key = (await make(member))["key"]

    for bearer in (member.refresh_token, PASSWORD, f"{member.email}:{PASSWORD}"):
        answer = await http.get("/auth/me", headers={"Authorization": f"Bearer {bearer}"})
        assert answer.status_code == 401
    for spent in (member.token[:128], key):
        answer = await http.post("/auth/refresh", json={"refresh_token": spent})
        assert answer.status_code == 401
    answer = await http.get(f"/user/history?access_token={key}&token={key}")
    assert answer.status_code == 401


async def test_a_token_larger_than_any_is_431(http: httpx.AsyncClient, member: Member) -> None:
    bearer = f"Bearer {member.token}.{'x' * 20_000}"

    answer = await http.get("/auth/me", headers={"Authorization": bearer})

    assert answer.status_code == 431


@pytest.mark.parametrize("text", ["a\x1b]0;b\x07", "a\nb", "a\x9b31m", "nimda\u202e", "a\u2028b"])
async def test_no_name_holds_what_a_terminal_or_a_line_would_obey(
    http: httpx.AsyncClient, member: Member, text: str
) -> None:
    account = {"email": fresh_email(), "password": PASSWORD, "nickname": text}
    key = {"name": text, "scopes": ["read"]}

    answers = [
        await http.post("/auth/register", json=account),
        await member.http.post("/auth/keys", json=key),
    ]

    assert [answer.status_code for answer in answers] == [422, 422]


@pytest.mark.parametrize("nickname", ["Zoë 👩\u200d🚀", "สมชาย", "דוד"])
async def test_names_of_all_people_are_kept(http: httpx.AsyncClient, nickname: str) -> None:
    account = {"email": fresh_email(), "password": PASSWORD, "nickname": nickname}

    assert (await http.post("/auth/register", json=account)).json()["nickname"] == nickname
