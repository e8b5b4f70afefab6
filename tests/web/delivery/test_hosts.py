"""Under which name nginx says that a browser reached it."""

import asyncio

import httpx
import pytest

from tests.support.nginx import Nginx
from tests.support.ports import free_port
from tests.web.conftest import Site
from tests.web.delivery.conftest import present


@pytest.fixture
def nginx(offloading: tuple[Site, Nginx | None]) -> Nginx:
    return present(offloading[1])


async def test_on_a_port_of_its_own_it_lets_the_page_in_and_no_page_of_another_port(
    nginx: Nginx,
) -> None:
    other = nginx.url.replace(str(nginx.port), str(free_port()))
    async with httpx.AsyncClient(base_url=nginx.url, timeout=30) as browser:
        answers = [
            await browser.post("/session/renew", headers={"Origin": origin})
            for origin in (nginx.url, other, "http://127.0.0.1")
        ]

    assert [answer.status_code for answer in answers] == [204, 403, 403]


async def test_who_names_no_host_is_answered_too(nginx: Nginx) -> None:
    """As old load balancers ask whether something lives."""
    reader, writer = await asyncio.open_connection("127.0.0.1", nginx.port)
    writer.write(b"GET /healthz HTTP/1.0\r\n\r\n")
    line = await reader.readline()
    writer.close()

    assert line.split()[1] == b"200"
