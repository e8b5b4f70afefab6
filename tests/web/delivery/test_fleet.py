"""Two nodes on one machine: a file that the other one keeps."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import httpx
import pytest

from tests.support.ports import free_port
from tests.support.postgres import Postgres
from tests.support.waiting import eventually
from tests.web.conftest import Serve, Site
from tests.web.delivery.conftest import CONTENT, LARGE, Reader, path_of, reading, rows_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Fleet:
    """A user at node a, whose file lies on node b."""

    reader: Reader
    other: Site
    history_id: int
    path: Path

    @property
    def http(self) -> httpx.AsyncClient:
        return self.reader.http


@asynccontextmanager
async def fleet(
    serve: Serve, postgres: Postgres, tmp_path: Path, content: bytes = CONTENT, **delivery: object
) -> AsyncGenerator[Fleet]:
    port = free_port()
    async with (
        serve(delivery=delivery) as here,
        serve(
            server={"port": port},
            storage={"node": "node-b", "root": str(tmp_path / "b")},
            auth={"secret": here.settings.auth.secret},
        ) as there,
        reading(here, postgres) as reader,
    ):
        far = replace(reader, site=there, rows=rows_of(there, postgres))
        history_id, path = await far.placed(content)
        await reader.rows.set(history_id, "storage_node = 'node-b'")
        await here.front.services.nodes.beat("node-b", there.url, sandbox="full")
        yield Fleet(reader=reader, other=there, history_id=history_id, path=path)


async def test_a_file_elsewhere_is_a_redirect_that_needs_no_token(
    serve: Serve, postgres: Postgres, tmp_path: Path
) -> None:
    async with fleet(serve, postgres, tmp_path) as nodes:
        sent = await nodes.http.get(path_of(nodes.history_id))
        location = sent.headers["Location"]
        async with httpx.AsyncClient(timeout=30) as stranger:
            there = await stranger.get(location)
            part = await stranger.get(location, headers={"Range": "bytes=3-4"})
        followed = await nodes.http.get(path_of(nodes.history_id), follow_redirects=True)
        head = await nodes.http.head(path_of(nodes.history_id), follow_redirects=True)

    assert (sent.status_code, sent.content) == (307, b"")
    assert location.startswith(f"{nodes.other.url}/api/v1/download/file?ticket=")
    assert sent.headers["Cache-Control"] == "private, no-store"
    assert (there.content, part.content) == (CONTENT, CONTENT[3:5])
    assert (followed.content, head.status_code) == (CONTENT, 200)


async def test_where_the_node_may_not_be_reached_its_answer_is_passed_on(
    serve: Serve, postgres: Postgres, tmp_path: Path
) -> None:
    async with fleet(serve, postgres, tmp_path, relay=True) as nodes:
        path = path_of(nodes.history_id)
        whole = await nodes.http.get(path, headers={"Accept-Encoding": "gzip"})
        etag = whole.headers["ETag"]
        asked: list[dict[str, str]] = [
            {"Range": "bytes=-5"},
            {"Range": "bytes=-5", "If-Range": '"another"'},
            {"Range": "bytes=99999999-"},
            {"If-None-Match": etag},
        ]
        answers = [await nodes.http.get(path, headers=headers) for headers in asked]
        head = await nodes.http.head(path)
        archive = await nodes.http.get(f"/download/archive?ids={nodes.history_id}")
        nodes.path.unlink()
        missing = await nodes.http.get(path)

    assert (whole.status_code, whole.content) == (200, CONTENT)
    assert whole.headers["Content-Type"] == "application/octet-stream"
    assert whole.headers["Content-Length"] == str(len(CONTENT))
    assert [answer.status_code for answer in answers] == [206, 200, 416, 304]
    assert answers[0].content == CONTENT[-5:]
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["Content-Length"] == str(len(CONTENT))
    assert (archive.status_code, archive.content[:4]) == (200, b"PK\x03\x04")
    assert (missing.status_code, missing.json()["code"]) == (503, "unavailable")


async def test_a_transfer_that_is_passed_on_is_one_slot_of_its_user(
    serve: Serve, postgres: Postgres, tmp_path: Path
) -> None:
    limits = {"relay": True, "per_user_concurrent": 1}
    async with fleet(serve, postgres, tmp_path, LARGE, **limits) as nodes:
        async with nodes.reader.stalled(path_of(nodes.history_id)):
            await eventually(lambda: nodes.other.front.desk.admission.active == 1)
            await eventually(lambda: nodes.reader.active == 1)
        await eventually(lambda: nodes.other.front.desk.admission.active == 0)
        await eventually(lambda: nodes.reader.active == 0)
        again = await nodes.http.get(path_of(nodes.history_id))

    assert again.content == LARGE


@pytest.mark.parametrize("way", ["redirect", "relay"])
@pytest.mark.parametrize("how", ["silent", "unknown", "without an address"])
async def test_a_node_that_is_away_is_503_and_nothing_is_marked(
    serve: Serve, postgres: Postgres, tmp_path: Path, way: str, how: str
) -> None:
    async with fleet(serve, postgres, tmp_path, relay=way == "relay") as nodes:
        await nodes.reader.rows.ask(
            {
                "silent": "UPDATE nodes SET heartbeat_at = now() - interval '2 minutes'",
                "unknown": "DELETE FROM nodes",
                "without an address": "UPDATE nodes SET url = ''",
            }[how]
        )

        away = await nodes.http.get(path_of(nodes.history_id))
        status = await nodes.reader.rows.ask(
            f"SELECT status, file_fault FROM download_history WHERE history_id = {nodes.history_id}"
        )

    assert (away.status_code, away.json()["code"]) == (503, "unavailable")
    assert int(away.headers["Retry-After"]) > 0
    assert "node-b" not in away.text
    assert status == "1|"


async def test_a_node_that_does_not_answer_is_503(
    serve: Serve, postgres: Postgres, tmp_path: Path
) -> None:
    async with fleet(serve, postgres, tmp_path, relay=True) as nodes:
        url = f"http://127.0.0.1:{free_port()}"
        await nodes.reader.site.front.services.nodes.beat("node-b", url, sandbox="full")

        away = await nodes.http.get(path_of(nodes.history_id))

    assert (away.status_code, nodes.reader.active) == (503, 0)


async def test_a_node_url_that_leads_back_does_not_send_a_client_in_circles(
    serve: Serve, postgres: Postgres, tmp_path: Path
) -> None:
    async with fleet(serve, postgres, tmp_path) as nodes:
        here = nodes.reader.site
        await here.front.services.nodes.beat("node-b", here.url, sandbox="full")

        answer = await asyncio.wait_for(
            nodes.http.get(path_of(nodes.history_id), follow_redirects=True), 5
        )

    assert (answer.status_code, len(answer.history)) == (503, 1)


async def test_a_forged_ticket_opens_nothing_on_the_other_node(
    serve: Serve, postgres: Postgres, tmp_path: Path
) -> None:
    async with fleet(serve, postgres, tmp_path) as nodes:
        location = (await nodes.http.get(path_of(nodes.history_id))).headers["Location"]
        async with httpx.AsyncClient(timeout=30) as stranger:
            forged = await stranger.get(location[:-1] + ("A" if location[-1] != "A" else "B"))

    assert forged.status_code == 403
    assert str(nodes.path) not in location


async def test_files_of_several_nodes_do_not_fit_into_one_archive(
    serve: Serve, postgres: Postgres, tmp_path: Path
) -> None:
    async with fleet(serve, postgres, tmp_path) as nodes:
        here = await nodes.reader.file()

        both = await nodes.http.get(f"/download/archive?ids={here},{nodes.history_id}")
        there = await nodes.http.get(f"/download/archive?ids={nodes.history_id}")

    assert (both.status_code, both.json()["groups"]) == (409, [[here], [nodes.history_id]])
    assert there.status_code == 307
