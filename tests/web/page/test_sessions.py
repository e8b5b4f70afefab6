"""A browser's session: the cookie, what it is exchanged for, and who may ask."""

from http.cookies import SimpleCookie

import httpx
import pytest

from tests.web.conftest import PASSWORD, Join, Member, Site


def browser(site: Site, origin: str | None = None) -> httpx.AsyncClient:
    headers = {"Origin": origin or site.url}
    return httpx.AsyncClient(base_url=site.url, headers=headers, timeout=30)


async def sign_in(client: httpx.AsyncClient, member: Member) -> httpx.Response:
    account = {"email": member.email, "password": PASSWORD}
    answer = await client.post("/session", json=account)
    assert answer.status_code == 200, answer.text
    return answer


async def test_the_secret_of_a_session_is_in_a_cookie_alone(site: Site, member: Member) -> None:
    async with browser(site) as client:
        answer = await sign_in(client, member)

    cookie = SimpleCookie(answer.headers["Set-Cookie"])["vasset_session"]
    assert cookie["httponly"]
    assert (cookie["samesite"], cookie["path"]) == ("Strict", "/session")
    assert not cookie["secure"]
    assert answer.json().keys() == {"access_token", "expires_in", "user"}
    assert cookie.value not in answer.text


async def test_a_session_renews_as_often_as_it_is_asked(site: Site, member: Member) -> None:
    async with browser(site) as client:
        await sign_in(client, member)

        # Two tabs at once, and one whose answer was lost.
        answers = [await client.post("/session/renew") for _ in range(3)]

        tokens = [answer.json()["access_token"] for answer in answers]
        me = await client.get("/api/v1/auth/me", headers={"Authorization": f"Bearer {tokens[-1]}"})
    assert me.json()["email"] == member.email


async def test_the_api_takes_no_cookie(site: Site, member: Member) -> None:
    async with browser(site) as client:
        cookie = (await sign_in(client, member)).headers["Set-Cookie"].partition(";")[0]

        answer = await client.get("/api/v1/auth/me", headers={"Cookie": cookie})

    assert answer.status_code == 401


async def test_nobody_signed_in_is_no_error(site: Site) -> None:
    async with browser(site) as client:
        nobody = await client.post("/session/renew")
        unknown = await client.post("/session/renew", headers={"Cookie": "vasset_session=x"})

    assert (nobody.status_code, unknown.status_code) == (204, 204)
    assert "vasset_session=;" in unknown.headers["Set-Cookie"]


@pytest.mark.parametrize("origin", ["http://elsewhere.example", "http://127.0.0.1:1", "null"])
@pytest.mark.parametrize(
    ("method", "path"), [("POST", "/session"), ("POST", "/session/renew"), ("DELETE", "/session")]
)
async def test_a_page_of_strangers_is_refused(
    site: Site, member: Member, origin: str, method: str, path: str
) -> None:
    async with browser(site) as client:
        await sign_in(client, member)
        account = {"email": member.email, "password": PASSWORD} if path == "/session" else None

        refused = await client.request(method, path, json=account, headers={"Origin": origin})
        still = await client.post("/session/renew")

    assert refused.status_code == 403
    assert "Set-Cookie" not in refused.headers
    assert still.status_code == 200


async def test_no_origin_is_no_browser(site: Site) -> None:
    async with httpx.AsyncClient(base_url=site.url, timeout=30) as client:
        answer = await client.post("/session/renew")

    assert answer.status_code == 403


async def test_signing_out_ends_this_browser_alone(site: Site, member: Member) -> None:
    async with browser(site) as here, browser(site) as there:
        await sign_in(here, member)
        await sign_in(there, member)
        secret = here.cookies["vasset_session"]

        left = await here.delete("/session")
        again = await here.post("/session/renew", headers={"Cookie": f"vasset_session={secret}"})
        other = await there.post("/session/renew")

    assert left.status_code == 204
    assert again.status_code == 204
    assert other.status_code == 200


async def test_what_ends_all_tokens_ends_sessions(site: Site, join: Join) -> None:
    member = await join()
    async with browser(site) as client:
        await sign_in(client, member)

        assert (await member.http.post("/auth/logout")).status_code == 204

        assert (await client.post("/session/renew")).status_code == 204


async def test_a_wrong_password_begins_no_session(site: Site, member: Member) -> None:
    async with browser(site) as client:
        account = {"email": member.email, "password": "not this one"}

        answer = await client.post("/session", json=account)

    assert answer.status_code == 401
    assert "Set-Cookie" not in answer.headers


async def test_the_cookie_is_secure_where_the_browser_came_by_https(
    site: Site, member: Member
) -> None:
    async with browser(site, site.url.replace("http:", "https:")) as client:
        answer = await sign_in(client, member)

    assert SimpleCookie(answer.headers["Set-Cookie"])["vasset_session"]["secure"]


async def test_signing_in_again_ends_what_this_browser_had(
    site: Site, member: Member, join: Join
) -> None:
    """Or the session before would go on for thirty days, with nobody who could end it."""
    other = await join()
    async with browser(site) as client:
        before = (await sign_in(client, member)).headers["Set-Cookie"].partition(";")[0]
        await sign_in(client, other)
        now = await client.post("/session/renew")

    async with browser(site) as thief:
        ended = await thief.post("/session/renew", headers={"Cookie": before})

    assert now.json()["user"]["email"] == other.email
    assert ended.status_code == 204
