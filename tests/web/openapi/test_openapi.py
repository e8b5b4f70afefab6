"""The document and the page that shows it."""

import json
import re
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.web.conftest import Member, Site
from web.openapi import routes
from web.openapi.examples.asked import QUERIES


def references(told: dict[str, Any]) -> set[str]:
    return set(re.findall(r'"\$ref": "#/([^"]+)"', json.dumps(told)))


async def document(member: Member) -> dict[str, Any]:
    answer = await member.http.get(f"{_origin(member)}/openapi.json")
    assert answer.status_code == 200
    body: dict[str, Any] = answer.json()
    return body


async def test_every_route_is_described(site: Site, member: Member) -> None:
    described = (await document(member))["paths"].keys()
    rules = {rule.rule for rule in site.app.url_map.iter_rules() if not rule.websocket}

    left_out = {rule for rule in rules if re.sub(r"<(\w+)>", r"{\1}", rule) not in described}

    assert all(rule.startswith(("/docs/", "/page/")) for rule in left_out), left_out


async def test_the_document_is_built_once(member: Member, monkeypatch: pytest.MonkeyPatch) -> None:
    first = await document(member)
    monkeypatch.setattr(routes, "document", None)

    again = await document(member)

    assert again == first


async def test_every_reference_leads_somewhere(member: Member) -> None:
    told = await document(member)

    for reference in references(told):
        part: Any = told
        for name in reference.split("/"):
            part = part[name]
        assert part
    assert references(told)


async def test_everything_has_an_example(member: Member) -> None:
    told = await document(member)

    bare = {
        f"{method} {path} {part}"
        for path, methods in told["paths"].items()
        for method, described in methods.items()
        for part, media_type, content in _contents(described)
        if media_type.endswith("json") and "example" not in content
    }

    assert bare == {"get /openapi.json 200"}


def test_the_examples_of_queries_are_read() -> None:
    for shape, parameters in QUERIES.items():
        shape.model_validate({name: str(value) for name, value in parameters.items()})


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("GET", "/auth/me", None, 200),
        ("POST", "/download", {"url": "https://example.com/v", "mode": "archive"}, 202),
        ("POST", "/download", {"url": "nonsense", "mode": "archive"}, 422),
        ("POST", "/parse", {"url": "nonsense"}, 422),
        ("POST", "/download/batch", {"urls": ["https://example.com/v"], "mode": "archive"}, 202),
        ("GET", "/user/quota", None, 200),
        ("GET", "/download/{history_id}", None, 403),
        ("POST", "/download/{history_id}/cancel", None, 403),
        ("GET", "/user/history", None, 200),
        ("GET", "/download/file", None, 422),
    ],
)
async def test_what_is_answered_is_what_is_described(
    member: Member, method: str, path: str, body: dict[str, object] | None, status: int
) -> None:
    operation = (await document(member))["paths"][f"/api/v1{path}"][method.lower()]

    answer = await member.http.request(method, path.format(history_id=999_999), json=body)

    described = operation["responses"][str(status)]
    media_type = answer.headers["Content-Type"].partition(";")[0]
    assert answer.status_code == status
    assert media_type in described["content"]


async def test_every_method_that_is_not_described_is_405_with_those_that_are(
    site: Site, member: Member
) -> None:
    methods = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"}

    wrong: list[tuple[str, str, int, str | None]] = []
    for path, described in (await document(member))["paths"].items():
        known = {method.upper() for method in described}
        for method in sorted(methods - known):
            address = re.sub(r"{\w+}", "1", path)
            answer = await member.http.request(method, f"{site.url}{address}")
            allowed = answer.headers.get("Allow")
            if answer.status_code != 405 or set((allowed or "").split(", ")) != known:
                wrong.append((method, path, answer.status_code, allowed))

    assert wrong == []


async def test_the_page_asks_nothing_of_a_stranger(member: Member) -> None:
    page = await member.http.get(f"{_origin(member)}/docs")
    parts = re.findall(r'(?:src|href)="([^"]+)"', page.text)

    answers = [await member.http.get(f"{_origin(member)}{part}") for part in parts]

    assert parts
    assert all(part.startswith("/") and not part.startswith("//") for part in parts)
    assert {answer.status_code for answer in answers} == {200}
    assert "'unsafe-inline'" not in _scripts_of(page.headers["Content-Security-Policy"])


def _contents(described: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    answers = described["responses"].items()
    for part, told in [("body", described.get("requestBody", {})), *answers]:
        for media_type, content in told.get("content", {}).items():
            yield part, media_type, content


def _scripts_of(policy: str) -> str:
    return next(rule for rule in policy.split(";") if rule.strip().startswith("script-src"))


def _origin(member: Member) -> str:
    return str(httpx.URL(str(member.http.base_url)).join("/")).rstrip("/")
