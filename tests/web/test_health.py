import asyncio

import httpx

from storage.files import MARKER
from tests.conftest import SCHEMA
from tests.support.postgres import Postgres
from tests.support.valkey import Valkey
from tests.support.waiting import eventually
from tests.web.conftest import PASSWORD, Member, Serve, Site, register

URL = "https://example.com/watch"
PASSWORDS = {"old_password": PASSWORD, "new_password": "a longer horse"}


async def test_a_server_whose_parts_work_is_ready(site: Site) -> None:
    async with httpx.AsyncClient(base_url=site.url, timeout=30) as http:
        alive = await http.get("/healthz")
        ready = await http.get("/readyz")

    assert (alive.status_code, ready.status_code) == (200, 200)
    assert ready.json()["parts"] == {"database": "ok", "redis": "ok", "disk": "ok"}


async def test_each_part_that_is_away_is_named(
    serve: Serve, postgres: Postgres, database_url: str
) -> None:
    with Valkey() as valkey:
        async with (
            serve(redis={"url": valkey.url}) as site,
            httpx.AsyncClient(base_url=site.url, timeout=30) as http,
        ):
            valkey.kill()
            # As when the disk is not mounted: a folder is there, but not ours.
            (site.root / MARKER).unlink()
            name = database_url.partition("?")[0].rpartition("/")[2]
            postgres.run_sql(f"ALTER DATABASE {name} ALLOW_CONNECTIONS false")
            postgres.run_sql(
                f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'"
            )

            alive = await http.get("/healthz")
            ready = await http.get("/readyz")
            login = await http.post(
                "/api/v1/auth/login", json={"email": "a@example.com", "password": "x" * 8}
            )

    assert alive.status_code == 200
    assert ready.status_code == login.status_code == 503
    assert ready.json()["parts"] == {"database": "away", "redis": "away", "disk": "away"}
    for answer in (ready, login):
        assert answer.headers["Content-Type"] == "application/problem+json"
        assert int(answer.headers["Retry-After"]) > 0
        assert not any(word in answer.text for word in (str(site.root), name, "vasset", "127.0"))


async def test_a_full_disk_is_not_ready(serve: Serve) -> None:
    async with (
        serve(storage={"stop_ratio": 0.0001}) as site,
        httpx.AsyncClient(base_url=site.url, timeout=30) as http,
    ):
        ready = await http.get("/readyz")

    assert (ready.status_code, ready.json()["parts"]["disk"]) == (503, "full")


async def test_a_database_that_takes_no_writes_is_not_ready_until_it_does(
    serve: Serve, postgres: Postgres, database_url: str
) -> None:
    name = database_url.partition("?")[0].rpartition("/")[2]
    postgres.run_sql(f"ALTER DATABASE {name} SET default_transaction_read_only = on")
    async with serve() as site, httpx.AsyncClient(base_url=site.url, timeout=30) as http:
        account = {"email": "ada@example.com", "password": "correct horse"}

        away = await http.get("/readyz")
        refused = await http.post("/api/v1/auth/register", json=account)
        postgres.run_sql(f"ALTER DATABASE {name} RESET default_transaction_read_only")
        ready = [(await http.get("/readyz")).status_code for _ in range(2)]
        registered = await http.post("/api/v1/auth/register", json=account)

    assert (away.status_code, away.json()["parts"]["database"]) == (503, "away")
    assert refused.status_code == 503
    assert ready[-1] == 200
    assert registered.status_code == 201


async def test_every_route_answers_soon_when_the_database_freezes(serve: Serve) -> None:
    with Postgres() as server:
        server.create_database("frozen")
        server.run_sql(SCHEMA.read_text(encoding="utf-8"), database="frozen")
        async with (
            serve(database={"url": server.database_url("frozen"), "timeout_s": 1}) as site,
            httpx.AsyncClient(base_url=site.url, timeout=30) as http,
        ):
            member = await register(httpx.AsyncClient(base_url=f"{site.url}/api/v1", timeout=30))
            server.pause()

            # Of a transaction it was half a minute, of a read ten seconds.
            async with asyncio.timeout(9):
                answers = await asyncio.gather(
                    http.get("/readyz"),
                    member.http.get("/user/history"),
                    member.http.post("/download", json={"url": URL, "mode": "archive"}),
                    member.http.post("/download/batch", json={"urls": [URL], "mode": "archive"}),
                    member.http.put("/auth/password", json=PASSWORDS),
                )
            server.resume()
            again = await eventually(lambda: submitted(member))
            await member.http.aclose()

    assert [answer.status_code for answer in answers] == [503] * 5
    assert again


async def submitted(member: Member) -> bool:
    answer = await member.http.post("/download", json={"url": URL, "mode": "archive"})
    return answer.status_code == 202
