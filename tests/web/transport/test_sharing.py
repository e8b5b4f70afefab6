"""Pages elsewhere: which may call the API, and what the others hear."""

import httpx

from tests.web.conftest import Serve

PARTNER = "https://partner.example"
ASKED = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization"}


async def test_a_named_page_may_call_the_api_and_reads_the_answers(serve: Serve) -> None:
    origins = [PARTNER, "https://other.example/"]
    async with (
        serve(server={"cors_origins": origins}) as site,
        httpx.AsyncClient(base_url=f"{site.url}/api/v1", timeout=30) as client,
    ):
        for origin in (PARTNER, "https://other.example"):
            asked = await client.options("/download", headers={"Origin": origin} | ASKED)
            refused = await client.post("/download", headers={"Origin": origin}, json={})

            assert asked.status_code == 204
            assert "Authorization" in asked.headers["Access-Control-Allow-Headers"]
            assert "POST" in asked.headers["Access-Control-Allow-Methods"]
            assert refused.status_code == 401
            for answer in (asked, refused):
                assert answer.headers["Access-Control-Allow-Origin"] == origin
                assert "Access-Control-Allow-Credentials" not in answer.headers


async def test_other_pages_may_not(serve: Serve) -> None:
    stranger = {"Origin": "https://stranger.example"}
    async with (
        serve(server={"cors_origins": [PARTNER]}) as site,
        httpx.AsyncClient(base_url=f"{site.url}/api/v1", timeout=30) as client,
    ):
        asked = await client.options("/download", headers=stranger | ASKED)
        answer = await client.post("/download", headers=stranger, json={})
        session = await client.post(
            f"{site.url}/session", headers={"Origin": PARTNER}, json={"email": "a", "password": "b"}
        )

    assert asked.status_code == 405
    for one in (asked, answer, session):
        assert "Access-Control-Allow-Origin" not in one.headers
    assert session.status_code == 403
