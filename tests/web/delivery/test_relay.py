"""What is made of the answer of another node that is not as it should be."""

import asyncio
from collections.abc import AsyncGenerator, Iterable
from contextlib import asynccontextmanager
from pathlib import Path

import httpx

from tests.support.postgres import Postgres
from tests.web.conftest import Serve
from tests.web.delivery.conftest import path_of
from tests.web.delivery.test_fleet import fleet


@asynccontextmanager
async def strangers(answers: Iterable[bytes]) -> AsyncGenerator[str]:
    """Yield the address of something that gives one answer after the other."""
    left = list(answers)

    async def answer(stream: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await stream.readuntil(b"\r\n\r\n")
        writer.write(left.pop(0))
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"


STRANGE = {
    "no length": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
    "until it closes": b"HTTP/1.1 200 OK\r\n\r\nhello",
    "a redirect": b"HTTP/1.1 301 Moved\r\nLocation: https://x/\r\nContent-Length: 0\r\n\r\n",
    "another server": b"HTTP/1.1 404 Not Found\r\nContent-Length: 5\r\n\r\nhello",
    "its own fault": b"HTTP/1.1 500 Oops\r\nContent-Length: 5\r\n\r\nhello",
    "no HTTP": b"hello\r\n\r\n",
}


async def test_what_no_node_of_ours_says_is_a_node_that_is_away(
    serve: Serve, postgres: Postgres, tmp_path: Path
) -> None:
    async with (
        fleet(serve, postgres, tmp_path, relay=True) as nodes,
        strangers(STRANGE.values()) as url,
    ):
        await nodes.reader.site.front.services.nodes.beat("node-b", url, sandbox="full")

        answers = {kind: await nodes.http.get(path_of(nodes.history_id)) for kind in STRANGE}

    assert {kind: answer.status_code for kind, answer in answers.items()} == dict.fromkeys(
        STRANGE, 503
    )
    assert {answer.json()["code"] for answer in answers.values()} == {"unavailable"}


async def test_an_address_that_is_none_is_a_node_that_is_away(
    serve: Serve, postgres: Postgres, tmp_path: Path
) -> None:
    async with fleet(serve, postgres, tmp_path, relay=True) as nodes:
        beat = nodes.reader.site.front.services.nodes.beat
        await beat("node-b", "http://127.0.0.1:port", sandbox="full")

        answer = await nodes.http.get(path_of(nodes.history_id))

    assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")


async def test_not_modified_has_no_length_when_passed_on_either(
    serve: Serve, postgres: Postgres, tmp_path: Path
) -> None:
    async with fleet(serve, postgres, tmp_path, relay=True) as nodes:
        path = path_of(nodes.history_id)
        etag = (await nodes.http.head(path)).headers["ETag"]

        answer = await nodes.http.get(path, headers={"If-None-Match": etag})

    assert answer.status_code == 304
    assert not {"content-length", "content-type"} & answer.headers.keys()


async def test_two_ranges_in_two_lines_are_answered_as_where_the_file_is(
    serve: Serve, postgres: Postgres, tmp_path: Path
) -> None:
    async with fleet(serve, postgres, tmp_path, relay=True) as nodes:
        lines = httpx.Headers([("Range", "bytes=0-1"), ("Range", "bytes=5-6")])

        answer = await nodes.http.get(path_of(nodes.history_id), headers=lines)

    assert answer.status_code == 200
