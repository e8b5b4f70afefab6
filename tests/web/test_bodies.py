import time
from collections.abc import AsyncGenerator

import httpx
import pytest

from tests.web.conftest import Member
from tests.web.rows import Rows

GOOD = b'{"url":"https://example.com/v","mode":"archive"}'


def with_url(url: str) -> bytes:
    return b'{"mode":"archive","url":"' + url.encode() + b'"}'


REFUSED: list[tuple[str, bytes, int, str]] = [
    ("not http", with_url("ftp://example.com/v"), 422, "invalid_url"),
    ("script", with_url("javascript:alert(1)"), 422, "invalid_url"),
    ("file", with_url("file:///etc/passwd"), 422, "invalid_url"),
    ("empty address", with_url(""), 422, "invalid_url"),
    ("10 KB of address", with_url("https://example.com/" + "x" * 10_240), 422, "invalid_url"),
    ("tab in the address", with_url("https://example.com/\\ta"), 422, "invalid_url"),
    ("newline in the address", with_url("https://example.com/\\na"), 422, "invalid_url"),
    ("NUL in the address", with_url("https://example.com/\\u0000"), 422, "invalid_request"),
    ("half a surrogate pair", with_url("https://example.com/\\ud800"), 422, "invalid_request"),
    ("private address", with_url("http://127.1/"), 422, "forbidden_address"),
    ("port of a database", with_url("http://example.com:5432/"), 422, "forbidden_address"),
    ("user in the address", with_url("https://a:b@example.com/"), 422, "invalid_url"),
    ("empty body", b"", 400, "invalid_request"),
    ("not JSON", b"{url:1}", 400, "invalid_request"),
    ("trailing comma", GOOD[:-1] + b",}", 400, "invalid_request"),
    ("two values", GOOD + GOOD, 400, "invalid_request"),
    ("bad UTF-8", b'{"url":"\xff"}', 400, "invalid_request"),
    ("UTF-16", GOOD.decode().encode("utf-16"), 400, "invalid_request"),
    ("a key twice", GOOD[:-1] + b',"mode":"archive"}', 400, "invalid_request"),
    ("a key twice by escape", GOOD[:-1] + b',"m\\u006fde":"archive"}', 400, "invalid_request"),
    ("NaN", GOOD[:-1] + b',"audio_only":NaN}', 400, "invalid_request"),
    ("endless number", GOOD[:-1] + b',"audio_only":1e400}', 400, "invalid_request"),
    ("huge number", GOOD[:-1] + b',"audio_only":' + b"9" * 60_000 + b"}", 400, "invalid_request"),
    ("deep nesting", b"[" * 60_000, 400, "invalid_request"),
    ("deep and closed", b'{"a":' * 9_000 + b"1" + b"}" * 9_000, 400, "invalid_request"),
    ("unknown field", GOOD[:-1] + b',"proxy":"http://x"}', 422, "invalid_request"),
    ("unknown field of no text", GOOD[:-1] + b',"\\u0000":1}', 422, "invalid_request"),
    ("no mode", b'{"url":"https://example.com/v"}', 422, "invalid_request"),
    ("wrong mode", GOOD.replace(b"archive", b"forever"), 422, "invalid_request"),
    ("url a number", b'{"url":1,"mode":"archive"}', 422, "invalid_request"),
    ("url null", b'{"url":null,"mode":"archive"}', 422, "invalid_request"),
    ("flag a text", GOOD[:-1] + b',"audio_only":"true"}', 422, "invalid_request"),
    ("flag a number", GOOD[:-1] + b',"audio_only":1}', 422, "invalid_request"),
    ("wrong quality", GOOD[:-1] + b',"quality":"1081p"}', 422, "invalid_request"),
    ("no second format", GOOD[:-1] + b',"format_id":"137+"}', 422, "invalid_request"),
    ("empty format", GOOD[:-1] + b',"format_id":""}', 422, "invalid_request"),
    ("format with a newline", GOOD[:-1] + b',"format_id":"22\\n"}', 422, "invalid_request"),
    ("array", b"[]", 422, "invalid_request"),
    ("null", b"null", 422, "invalid_request"),
    ("text", b'"x"', 422, "invalid_request"),
    ("65 KiB", b" " * 66_000 + GOOD, 413, "invalid_request"),
]  # fmt: skip


@pytest.fixture
async def counted(member: Member, rows: Rows) -> str:
    _ = member
    return await rows.count()


@pytest.mark.parametrize(
    ("body", "status", "code"), [case[1:] for case in REFUSED], ids=[case[0] for case in REFUSED]
)
async def test_a_bad_submission_is_refused_and_leaves_nothing(
    member: Member, rows: Rows, counted: str, body: bytes, status: int, code: str
) -> None:
    start = time.process_time()

    answer = await member.http.post(
        "/download", content=body, headers={"Content-Type": "application/json"}
    )

    assert time.process_time() - start < 1
    assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text
    assert_problem(answer)
    assert await rows.count() == counted


@pytest.mark.parametrize(
    "content_type",
    [None, "text/plain", "application/x-www-form-urlencoded", "application/json; charset=latin-1"],
)
async def test_a_body_of_another_type_is_415(member: Member, content_type: str | None) -> None:
    headers = {} if content_type is None else {"Content-Type": content_type}

    answer = await member.http.post("/download", content=GOOD, headers=headers)

    assert answer.status_code == 415
    assert_problem(answer)


async def test_a_body_without_a_length_is_bounded_too(member: Member) -> None:
    async def endless() -> AsyncGenerator[bytes]:
        for _ in range(100):
            yield b" " * 1_024

    answer = await member.http.post(
        "/download", content=endless(), headers={"Content-Type": "application/json"}
    )

    assert answer.status_code == 413
    assert_problem(answer)


async def test_the_fields_at_fault_are_named_and_their_values_are_not(
    http: httpx.AsyncClient,
) -> None:
    answer = await http.post(
        "/auth/register", json={"email": "nonsense-mail", "password": "secret!", "x": "wherefore"}
    )

    assert {error["field"] for error in answer.json()["errors"]} == {"email", "password", "x"}
    assert not any(word in answer.text for word in ("nonsense-mail", "secret!", "wherefore"))


@pytest.mark.parametrize(
    ("method", "path", "status", "allow"),
    [
        ("GET", "/nothing", 404, None),
        ("GET", "/auth//me", 404, None),
        ("GET", "/auth/login", 405, {"POST"}),
        ("HEAD", "/auth/login", 405, {"POST"}),
        ("OPTIONS", "/auth/login", 405, {"POST"}),
        ("TRACE", "/auth/me", 405, {"GET", "HEAD"}),
        ("PROPFIND", "/auth/me", 405, {"GET", "HEAD"}),
        ("DELETE", "/download/file", 405, {"GET", "HEAD"}),
    ],
)
async def test_wrong_paths_and_methods_are_problems(
    http: httpx.AsyncClient, method: str, path: str, status: int, allow: set[str] | None
) -> None:
    answer = await http.request(method, path)

    assert answer.status_code == status
    if method != "HEAD":
        assert_problem(answer)
    if allow is not None:
        assert set(answer.headers["Allow"].split(", ")) == allow


async def test_a_long_address_is_414(http: httpx.AsyncClient) -> None:
    answer = await http.get("/user/history?cursor=" + "x" * 2_048)

    assert answer.status_code == 414
    assert_problem(answer)


async def test_large_headers_are_431(http: httpx.AsyncClient) -> None:
    answer = await http.get("/auth/me", headers={"X-More": "x" * 17_000})

    assert answer.status_code == 431
    assert_problem(answer)


def assert_problem(answer: httpx.Response) -> None:
    assert answer.headers["Content-Type"] == "application/problem+json"
    problem = answer.json()
    assert {"type", "title", "status", "detail", "code"} <= set(problem)
    assert problem["status"] == answer.status_code
