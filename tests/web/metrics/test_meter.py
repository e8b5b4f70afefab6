"""What is measured of requests, whatever clients make of them."""

import httpx

from tests.web.conftest import Serve
from tests.web.metrics.test_metrics import measured, of

COUNT = "vasset_http_request_seconds_count"


async def test_requests_are_measured_by_pattern_method_and_status(serve: Serve) -> None:
    async with serve() as site, httpx.AsyncClient(base_url=site.url, timeout=30) as http:
        for number in range(3):
            await http.get(f"/api/v1/download/{number}")
        await http.get("/healthz")

        counted = of(await measured(site), COUNT)

    assert counted == {
        (COUNT, "GET", "/api/v1/download/<history_id>", "401"): 3,
        (COUNT, "GET", "/healthz", "200"): 1,
    }


async def test_clients_cannot_add_a_series_of_their_own(serve: Serve) -> None:
    async with serve() as site, httpx.AsyncClient(base_url=site.url, timeout=30) as http:
        for method in ("GET", "PROPFIND", "REPORT", "MKCOL", "LOCK"):
            for path in ("/healthz", "/no/such", "/no/such/either"):
                await http.request(method, path)

        counted = of(await measured(site), COUNT)

    assert counted == {
        (COUNT, "GET", "/healthz", "200"): 1,
        (COUNT, "GET", "unknown", "404"): 2,
        (COUNT, "other", "unknown", "405"): 4,
        (COUNT, "other", "unknown", "404"): 8,
    }
