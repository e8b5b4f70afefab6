"""What nginx says of a file that is not there any more when it comes to send it."""

from pathlib import Path

import httpx
import pytest

from tests.conftest import installed
from tests.support.nginx import Nginx
from tests.support.postgres import Postgres
from tests.web.conftest import Site
from tests.web.delivery.conftest import path_of, reading


@pytest.mark.parametrize("what", ["nothing", "a link"])
async def test_a_file_that_went_since_it_was_judged_is_a_problem_and_no_page_of_nginx(
    offloading: tuple[Site, Nginx | None], postgres: Postgres, tmp_path: Path, what: str
) -> None:
    """Another root stands for the moment between judging and sending."""
    site, _ = offloading
    async with reading(site, postgres) as reader:
        history_id, path = await reader.placed()
        if what == "a link":
            swapped = tmp_path / path.relative_to(site.root)
            swapped.parent.mkdir(parents=True)
            swapped.symlink_to(path)
        with installed(lambda: Nginx(site.port, tmp_path)) as nginx:
            answer = await reader.http.get(f"{nginx.url}/api/v1{path_of(history_id)}")
            async with httpx.AsyncClient(base_url=nginx.url, timeout=30) as stranger:
                unasked = await stranger.get("/_vasset/whole/archive/1")

    assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert int(answer.headers["Retry-After"]) > 0
    assert unasked.status_code == 404
