"""Several files in one ZIP."""

import asyncio
import io
import os
import zipfile
from contextlib import AsyncExitStack

import httpx
import pytest

from tests.support.postgres import Postgres
from tests.support.waiting import eventually
from tests.web.conftest import Join, Serve
from tests.web.delivery.conftest import CONTENT, LARGE, Reader, path_of, reading
from web.delivery.archives import unlike


def archive_of(*history_ids: int) -> str:
    return f"/download/archive?ids={','.join(map(str, history_ids))}"


async def test_the_archive_holds_every_file_under_its_name(reader: Reader) -> None:
    contents = [CONTENT, b"", os.urandom(3_000_001)]
    names = ["Ein Film.mp4", "Ä \U0001f3ac.mp4", "../../x.mp4"]
    ids = [
        await reader.file(content, name=name) for content, name in zip(contents, names, strict=True)
    ]

    answer = await reader.http.get(archive_of(*ids))
    bare = await reader.http.head(archive_of(*ids))

    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "application/zip")
    assert int(answer.headers["Content-Length"]) == len(answer.content)
    assert bare.headers["Content-Length"] == answer.headers["Content-Length"]
    assert answer.headers["Cache-Control"] == "private, no-store"
    assert "attachment" in answer.headers["Content-Disposition"]
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        assert archive.testzip() is None
        assert archive.namelist() == ["Ein Film.mp4", "Ä \U0001f3ac.mp4", "_.._x.mp4"]
        assert [archive.read(name) for name in archive.namelist()] == contents
        assert {entry.compress_type for entry in archive.infolist()} == {zipfile.ZIP_STORED}


def test_names_that_are_alike_get_a_number() -> None:
    names = ["a.mp4", "A.mp4", "a.mp4", "a (2).mp4", "b"]

    assert unlike(names) == ["a.mp4", "A (2).mp4", "a (3).mp4", "a (2) (2).mp4", "b"]


async def test_a_ticket_opens_the_archive_without_a_header(reader: Reader) -> None:
    ids = [await reader.file(), await reader.file()]
    shown = (await reader.http.post("/download/archive-ticket", json={"history_ids": ids})).json()
    async with httpx.AsyncClient(timeout=30) as stranger:
        url = f"{str(reader.http.base_url).rstrip('/')}/download/archive"

        answer = await stranger.get(url, params={"ticket": shown["ticket"]})
        as_file = await stranger.get(
            url.replace("archive", "file"), params={"ticket": shown["ticket"]}
        )

    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        assert archive.namelist() == ["A film.mp4", "A film (2).mp4"]
    assert as_file.status_code == 403


async def test_one_file_that_may_not_be_had_refuses_all(direct: Reader, join: Join) -> None:
    mine = await direct.file()
    queued = await direct.member.submit()
    missing, path = await direct.placed()
    path.unlink()
    theirs = await (await join()).submit()

    codes = [
        (await direct.http.get(archive_of(mine, other))).status_code
        for other in (theirs, 999_999_999, queued, missing)
    ]

    assert codes == [403, 403, 409, 503]


@pytest.mark.parametrize(
    "query",
    ["", "ids=", "ids=1,", "ids=1,x", "ids=1&ids=2", "ids=-1", f"ids={','.join(['1'] * 101)}"],
)
async def test_what_is_no_list_of_ids_is_422(direct: Reader, query: str) -> None:
    answer = await direct.http.get(f"/download/archive?{query}")

    assert answer.status_code == 422


async def test_archives_take_slots_and_give_them_back(serve: Serve, postgres: Postgres) -> None:
    async with (
        serve(delivery={"per_user_concurrent": 1}) as site,
        reading(site, postgres) as reader,
    ):
        ids = [await reader.file(LARGE), await reader.file(LARGE)]
        async with AsyncExitStack() as stack:
            await stack.enter_async_context(reader.stalled(archive_of(*ids)))
            await eventually(lambda: reader.active == 1)
            refused = await asyncio.wait_for(reader.http.get(path_of(ids[0])), 30)
        await eventually(lambda: reader.active == 0)

    assert refused.status_code == 429


async def test_a_file_that_shrinks_in_an_archive_cuts_the_connection(direct: Reader) -> None:
    first, _ = await direct.placed(LARGE)
    second, path = await direct.placed(LARGE)

    async with direct.http.stream("GET", archive_of(first, second)) as answer:
        os.truncate(path, 1_000)
        with pytest.raises(httpx.TransportError):
            await answer.aread()

    await eventually(lambda: direct.active == 0)


async def test_a_file_deleted_while_its_archive_is_sent_is_in_it(direct: Reader) -> None:
    first, _ = await direct.placed(LARGE)
    second, path = await direct.placed()
    received = bytearray()

    async with direct.http.stream("GET", archive_of(first, second)) as answer:
        async for piece in answer.aiter_raw():
            path.unlink(missing_ok=True)
            received += piece

    with zipfile.ZipFile(io.BytesIO(bytes(received))) as archive:
        assert archive.read(archive.namelist()[1]) == CONTENT


async def test_beyond_four_gigabytes_it_is_still_an_archive_and_exact(direct: Reader) -> None:
    """The film is a hole, so it takes no disk."""
    history_id, path = await direct.placed(b"")
    size = (4 << 30) + 5
    os.truncate(path, size)
    await direct.rows.set(history_id, f"file_size = {size}")
    read, end = 0, b""

    async with direct.http.stream("GET", archive_of(history_id)) as answer:
        async for piece in answer.aiter_raw(1 << 20):
            read += len(piece)
            end = (end + piece)[-500:]

    assert read == int(answer.headers["Content-Length"]) > size
    # The end of a ZIP64's directory, which names the one file. Source: APPNOTE.TXT, 4.3.14.
    assert b"PK\x06\x06" in end
    assert size.to_bytes(8, "little") in end
