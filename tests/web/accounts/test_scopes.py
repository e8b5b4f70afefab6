"""What personal API keys open."""

import itertools

from tests.web.conftest import Member, Site
from tests.web.scripting import ALL, make, script
from tests.web.watching import close_code, heard, socket_of
from web.openapi.document import declared_rules

OPENED_BY = {
    ("POST", "/download"): "submit",
    ("GET", "/download/<history_id>"): "read",
    ("GET", "/progress"): "read",
    ("POST", "/download/<history_id>/cancel"): "submit",
    ("POST", "/download/<history_id>/retry"): "submit",
    ("POST", "/download/batch"): "submit",
    ("GET", "/download/batch/<batch_id>"): "read",
    ("POST", "/download/batch/<batch_id>/cancel"): "submit",
    ("POST", "/parse"): "submit",
    ("GET", "/user/quota"): "read",
    ("GET", "/user/stats"): "read",
    ("GET", "/user/history"): "read",
    ("DELETE", "/user/history/<history_id>"): "submit",
    ("GET", "/user/webhook-deliveries"): "read",
    ("POST", "/user/webhook-deliveries/<delivery_id>/replay"): "submit",
    ("GET", "/download/file"): "deliver",
    ("GET", "/download/archive"): "deliver",
    ("POST", "/download/file-ticket"): "deliver",
    ("POST", "/download/archive-ticket"): "deliver",
    ("POST", "/auth/ws-ticket"): "read",
}
"""The routes that keys open; every other one refuses them."""


async def test_every_route_opens_to_the_scope_it_needs_and_to_no_other(
    site: Site, member: Member
) -> None:
    keys = {scope: (await make(member, scope))["key"] for scope in ALL}
    rules = [
        (method, rule.rule.removeprefix("/api/v1"))
        for rule, declared in declared_rules(site.app)
        if not declared.is_public
        for method in (rule.methods or set()) - {"HEAD"}
        if not rule.rule.startswith(("/docs", "/openapi"))
    ]
    opened = {
        (method, path, scope): await _is_opened(site, keys[scope], method, path)
        for (method, path), scope in itertools.product(rules, ALL)
    }

    wanted = {
        (method, path, scope): scope == OPENED_BY.get((method, path))
        for method, path, scope in opened
    }
    assert set(OPENED_BY) <= set(rules)
    assert opened == wanted


async def _is_opened(site: Site, key: str, method: str, path: str) -> bool:
    for place in ("<history_id>", "<key_id>", "<batch_id>", "<delivery_id>"):
        path = path.replace(place, "999999")
    async with script(site, key) as http:
        answer = await http.request(method, path, json={} if method in ("POST", "PUT") else None)
    assert answer.status_code != 401
    return answer.json().get("detail") != "This key does not open that."


async def test_a_socket_opens_to_a_key_that_reads_only(site: Site, member: Member) -> None:
    reads, submits = await make(member, "read"), await make(member, "submit", "deliver")

    async with socket_of(site, reads["key"]) as line:
        assert (await heard(line))["type"] == "snapshot"
    async with socket_of(site, submits["key"]) as line:
        assert await close_code(line) == 4401
