"""Whose a record is: every route that takes an id, as the app itself lists them."""

import re

import httpx
import pytest

from runtime import settings_layers
from tests.web.conftest import Join, Member, Site
from tests.web.downloads.test_downloads import BAD_IDS
from tests.web.rows import Rows
from web.app import create_app

UNKNOWN = 2**63 - 1
_APP = create_app(settings_layers.load({}, {"auth": {"secret": "s" * 32}}))

_IN_PATH = sorted(
    (method, rule.rule.removeprefix("/api/v1"))
    for rule in _APP.url_map.iter_rules()
    if "<history_id>" in rule.rule and "/admin/" not in rule.rule
    for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
)
ROUTES = [*_IN_PATH, ("GET", "/download/file?history_id=<history_id>")]


def at(path: str, history_id: object) -> str:
    return path.replace("<history_id>", str(history_id))


def told(answer: httpx.Response) -> tuple[object, ...]:
    """Return all that an answer says, except when it was given and to which request."""
    headers = {k: v for k, v in answer.headers.items() if k not in ("date", "x-request-id")}
    return answer.status_code, headers, answer.content


def test_the_routes_are_found() -> None:
    assert ("DELETE", "/user/history/<history_id>") in ROUTES
    assert ("POST", "/download/<history_id>/cancel") in ROUTES


@pytest.mark.parametrize(("method", "path"), ROUTES)
async def test_what_is_anothers_a_deleted_users_or_deleted_looks_like_nothing(
    member: Member, join: Join, rows: Rows, method: str, path: str
) -> None:
    other, gone = await join(), await join()
    theirs, of_nobody, deleted = await other.submit(), await gone.submit(), await member.submit()
    await rows.finish(theirs, b"theirs", user_id=other.user_id)
    await rows.ask(f"UPDATE users SET disabled_at = now() WHERE user_id = {gone.user_id}")
    await member.http.delete(f"/user/history/{deleted}")
    table = (
        "SELECT md5(string_agg(d::text, '')) FROM download_history d "
        f"WHERE user_id = {other.user_id}"
    )
    before = await rows.ask(table)

    unknown = told(await member.http.request(method, at(path, UNKNOWN)))

    assert unknown[0] == 403
    for history_id in (theirs, of_nobody):
        assert told(await member.http.request(method, at(path, history_id))) == unknown
    if "/file" not in path:
        assert told(await member.http.request(method, at(path, deleted))) == unknown
    assert await rows.ask(table) == before


@pytest.mark.parametrize(("method", "path"), ROUTES)
async def test_what_cannot_be_an_id_is_refused_by_every_route(
    member: Member, method: str, path: str
) -> None:
    for text in BAD_IDS:
        # A slash makes it another path.
        if "/" not in text or "?" in path:
            answer = await member.http.request(method, at(path, text))
            assert answer.status_code == 422, (text, answer.text)


@pytest.mark.parametrize(("method", "path"), ROUTES)
async def test_no_route_with_an_id_answers_a_stranger(
    http: httpx.AsyncClient, method: str, path: str
) -> None:
    assert (await http.request(method, at(path, 1))).status_code == 401


async def test_the_neighbours_of_ones_own_id_give_nothing(
    member: Member, join: Join, site: Site
) -> None:
    other = await join()
    await other.submit()
    mine = await member.submit()
    await other.submit()

    answers = {
        history_id: await member.http.get(f"/download/{history_id}")
        for history_id in range(max(1, mine - 50), mine + 50)
    }

    assert [i for i, answer in answers.items() if answer.status_code != 403] == [mine]
    assert not re.search(str(site.root), answers[mine].text)
