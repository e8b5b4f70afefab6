"""The way of a file out of the page cache, on a real connection."""

import asyncio
import os
from pathlib import Path

import pytest

from tests.support.waiting import eventually
from tests.web.delivery.conftest import Reader, descriptors, path_of

SIZE = 20_000_000


def request_for(reader: Reader, path: str, *headers: str) -> bytes:
    lines = [f"GET /api/v1{path} HTTP/1.1", "Host: x",
             f"Authorization: Bearer {reader.member.token}", *headers]  # fmt: skip
    return "\r\n".join([*lines, "", ""]).encode()


async def answer_of(stream: asyncio.StreamReader) -> tuple[bytes, bytes]:
    """Return head and body of the next answer on a connection."""
    head = await stream.readuntil(b"\r\n\r\n")
    length = next(
        int(line.partition(b":")[2])
        for line in head.lower().split(b"\r\n")
        if line.startswith(b"content-length")
    )
    return head, await stream.readexactly(length)


async def test_files_and_answers_follow_each_other_on_one_connection(direct: Reader) -> None:
    """Three requests sent at once, so that the second file waits behind the first."""
    content = os.urandom(SIZE)
    history_id = await direct.file(content)
    stream, writer = await asyncio.open_connection("127.0.0.1", direct.site.port)
    part = request_for(direct, path_of(history_id), "Range: bytes=5-9")

    writer.write(request_for(direct, path_of(history_id)) + part + request_for(direct, "/auth/me"))
    answers = [await asyncio.wait_for(answer_of(stream), 60) for _ in range(3)]
    writer.close()

    assert [head[9:12] for head, _ in answers] == [b"200", b"206", b"200"]
    assert answers[0][1] == content
    assert answers[1][1] == content[5:10]
    assert direct.member.email.encode() in answers[2][1]


def forget(path: Path) -> None:
    """Take a file out of the page cache."""
    with path.open("rb") as file:
        os.fsync(file.fileno())
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def cached_share(path: Path) -> float:
    """Return how much of a file is in the page cache, by asking for each page without waiting."""
    page, found = os.sysconf("SC_PAGE_SIZE"), 0
    with path.open("rb") as file:
        for offset in range(0, SIZE, page):
            try:
                found += os.preadv(file.fileno(), [bytearray(1)], offset, os.RWF_NOWAIT)
            except BlockingIOError:
                continue
    return found / (SIZE // page)


async def test_a_file_that_must_be_read_from_the_disk_arrives_whole(direct: Reader) -> None:
    content = os.urandom(SIZE)
    history_id, path = await direct.placed(content)
    await asyncio.to_thread(forget, path)
    if cached_share(path) > 0.5:
        pytest.skip("this file system keeps everything in memory")
    await asyncio.to_thread(forget, path)

    answer = await direct.http.get(path_of(history_id))

    assert answer.content == content


async def test_a_connection_that_is_reset_gives_everything_back(direct: Reader) -> None:
    history_id = await direct.file(bytes(SIZE * 2))
    before = descriptors()

    for _ in range(20):
        async with direct.stalled(path_of(history_id)) as connection:
            await asyncio.to_thread(connection.recv, 1)
            # With bytes unread, closing is a reset.
    await eventually(lambda: direct.active == 0)

    await eventually(lambda: descriptors() <= before + 1)
