"""What every answer carries and what the log says of it."""

import json
from collections.abc import MutableMapping
from typing import Any

import pytest
import structlog

from storage.users import Users
from tests.support.waiting import eventually
from tests.web.conftest import Member, Site
from tests.web.watching import heard, socket_of
from web import problems
from web.transport import exchanges


@pytest.fixture
def lines(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """What is logged while the test runs; loggers that are kept would escape capture_logs."""
    seen: list[dict[str, Any]] = []

    def keep(_: object, level: str, event: MutableMapping[str, Any]) -> dict[str, Any]:
        seen.append({**structlog.contextvars.get_contextvars(), **event, "level": level})
        raise structlog.DropEvent

    for module in (exchanges, problems):
        monkeypatch.setattr(module, "_log", structlog.wrap_logger(None, processors=[keep]))
    return seen


async def test_each_request_is_one_line_without_what_it_asked(
    member: Member, lines: list[dict[str, Any]]
) -> None:
    history_id = await member.submit("https://example.com/secret-part")
    await eventually(lambda: lines)
    lines.clear()

    answer = await member.http.get(f"/download/file?history_id={history_id}")

    (line,) = await eventually(lambda: lines)
    assert isinstance(line.pop("seconds"), float)
    assert line == {
        "event": "request",
        "level": "info",
        "method": "GET",
        "route": "/api/v1/download/file",
        "status": 409,
        "user_id": member.user_id,
        "request_id": answer.headers["X-Request-Id"],
    }


async def test_no_line_holds_a_token_an_address_or_a_password(
    member: Member, site: Site, lines: list[dict[str, Any]]
) -> None:
    canaries = ["canary-password", "canary-query", "canary-video", member.token]
    account = {"email": "canary@example.com", "password": "canary-password"}

    await member.http.post("/auth/register", json=account)
    await member.http.post("/auth/login", json=account | {"x": "canary-password"})
    await member.http.get("/user/history?x=canary-query")
    await member.submit("https://example.com/canary-video")
    async with socket_of(site, member.token) as socket:
        await heard(socket)

    await eventually(lambda: [line for line in lines if line["method"] == "SOCKET"])
    assert len(lines) == 5
    assert not any(canary in json.dumps(lines) for canary in canaries)


async def test_a_fault_of_ours_is_told_to_the_log_and_not_to_the_client(
    member: Member, lines: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(*_: object) -> None:
        local_secret = "canary-password"
        message = f"a bug of {len(local_secret)} letters"
        raise LookupError(message)

    # The one way to a bug that nobody has written yet.
    monkeypatch.setattr(Users, "by_id", broken)

    answer = await member.http.get("/auth/me")

    fault = lines[0]
    assert (answer.status_code, answer.json()["code"]) == (500, "internal")
    assert "bug" not in answer.text
    assert (fault["event"], fault["request_id"]) == (
        "request_failed",
        answer.headers["X-Request-Id"],
    )
    assert "LookupError: a bug of 15 letters" in fault["traceback"]
    assert "canary-password" not in fault["traceback"]


@pytest.mark.parametrize("path", ["/auth/me", "/nothing", "/download/x", "/../../healthz"])
async def test_every_answer_has_the_headers_that_protect_a_browser(
    member: Member, path: str
) -> None:
    answer = await member.http.get(path, headers={"Origin": "https://evil.example"})

    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert answer.headers["Cache-Control"] == "no-store"
    assert len(answer.headers["X-Request-Id"]) == 32
    assert not {"server", "x-powered-by", "access-control-allow-origin"} & set(answer.headers)
