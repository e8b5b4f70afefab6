import httpx

from storage.files import MARKER
from tests.support.postgres import Postgres
from tests.support.valkey import Valkey
from tests.web.conftest import Serve, Site


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
