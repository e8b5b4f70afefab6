"""The file of a download, as clients ask for it; the same from the web process and from nginx."""

import base64
import hashlib

import httpx
import pytest

from tests.web.delivery.conftest import CONTENT, Reader, path_of

MD5 = hashlib.md5(CONTENT, usedforsecurity=False)
ETAG = f'"{MD5.hexdigest()}"'
SIZE = len(CONTENT)
_NAMES = (
    "content-type", "content-length", "content-disposition", "cache-control", "etag", "vary",
    "x-content-type-options", "content-security-policy", "accept-ranges", "repr-digest",
    "referrer-policy", "content-encoding", "content-range", "last-modified", "location",
    "x-accel-redirect", "x-vasset-user",
)  # fmt: skip


def headers_of(answer: httpx.Response) -> dict[str, str]:
    """Return the headers that matter, each of which must stand there once."""
    names = [name.lower() for name, _ in answer.headers.multi_items()]
    assert len(names) == len(set(names))
    return {name: answer.headers[name] for name in _NAMES if name in answer.headers}


WHOLE = {
    "content-type": "application/octet-stream",
    "content-length": "2500000",
    "content-disposition": "attachment; filename=\"A film.mp4\"; filename*=UTF-8''A%20film.mp4",
    "cache-control": "private, no-store",
    "etag": ETAG,
    "vary": "Authorization",
    "x-content-type-options": "nosniff",
    "content-security-policy": "sandbox",
    "accept-ranges": "bytes",
    "repr-digest": f"md5=:{base64.b64encode(MD5.digest()).decode()}:",
    "referrer-policy": "no-referrer",
}


async def test_the_file_arrives_byte_for_byte(reader: Reader) -> None:
    history_id = await reader.file()

    answer = await reader.http.get(path_of(history_id), headers={"Accept-Encoding": "gzip, br"})

    shown = (await reader.http.get(f"/download/{history_id}")).json()
    assert (answer.status_code, headers_of(answer)) == (200, WHOLE)
    assert answer.content == CONTENT
    assert answer.headers["etag"] == f'"{shown["file_hash"]}"'


async def test_head_has_the_headers_and_no_body(reader: Reader) -> None:
    history_id = await reader.file()

    bare = await reader.http.head(path_of(history_id), headers={"Range": "bytes=0-1"})

    assert (bare.status_code, bare.content, headers_of(bare)) == (200, b"", WHOLE)


@pytest.mark.parametrize(
    ("asked", "start", "end"),
    [
        ("bytes=0-0", 0, 1),
        ("bytes=0-", 0, SIZE),
        ("bytes=-1", SIZE - 1, SIZE),
        (f"bytes=-{SIZE}", 0, SIZE),
        (f"bytes=-{SIZE + 1}", 0, SIZE),
        (f"bytes=1048575-{SIZE + 9}", 1_048_575, SIZE),
        ("BYTES=1000-2000", 1_000, 2_001),
    ],
)
async def test_a_range_is_answered_with_its_bytes(
    reader: Reader, asked: str, start: int, end: int
) -> None:
    history_id = await reader.file()

    answer = await reader.http.get(path_of(history_id), headers={"Range": asked})

    assert (answer.status_code, answer.content) == (206, CONTENT[start:end])
    assert headers_of(answer) == WHOLE | {
        "content-length": str(end - start),
        "content-range": f"bytes {start}-{end - 1}/{SIZE}",
    }


@pytest.mark.parametrize(
    "asked",
    [
        "bytes=5-2", "bytes=a-b", "bytes=--5", "bytes = 0-1", "items=0-1", "bytes=0-1,5-6",
        "bytes=0-0," * 1_000, "bytes=" + "9" * 4_000 + "-", "bytes=0-" + "9" * 4_000, "",
    ],
    ids=lambda asked: asked[:12],
)  # fmt: skip
async def test_what_is_no_single_range_is_answered_with_the_whole_file(
    reader: Reader, asked: str
) -> None:
    history_id = await reader.file()

    answer = await reader.http.get(path_of(history_id), headers={"Range": asked})

    assert (answer.status_code, headers_of(answer)) == (200, WHOLE)
    assert answer.content == CONTENT


@pytest.mark.parametrize("asked", ["bytes=-0", f"bytes={SIZE}-", f"bytes={SIZE}-{SIZE + 5}"])
async def test_a_range_beyond_the_end_is_416(reader: Reader, asked: str) -> None:
    history_id = await reader.file()

    answer = await reader.http.get(path_of(history_id), headers={"Range": asked})

    assert (answer.status_code, answer.json()["code"]) == (416, "invalid_request")
    assert answer.headers["Content-Range"] == f"bytes */{SIZE}"


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"If-Range": ETAG, "Range": "bytes=0-9"}, 206),
        ({"If-Range": f"W/{ETAG}", "Range": "bytes=0-9"}, 200),
        ({"If-Range": '"another"', "Range": "bytes=0-9"}, 200),
        ({"If-Range": "Wed, 21 Oct 2099 07:28:00 GMT", "Range": "bytes=0-9"}, 200),
        ({"If-None-Match": ETAG}, 304),
        ({"If-None-Match": f'"x", W/{ETAG}', "Range": "bytes=0-9"}, 304),
        ({"If-None-Match": "*"}, 304),
        ({"If-None-Match": '"another"'}, 200),
        ({"If-None-Match": '"another"', "Range": "bytes=0-9"}, 206),
        ({"If-Modified-Since": "Wed, 21 Oct 2099 07:28:00 GMT"}, 200),
        ({"If-Match": '"another"'}, 412),
    ],
)
async def test_conditions_are_judged_by_the_strong_tag(
    reader: Reader, headers: dict[str, str], status: int
) -> None:
    history_id = await reader.file()

    answer = await reader.http.get(path_of(history_id), headers=headers)

    assert answer.status_code == status
    bodies = {200: CONTENT, 206: CONTENT[:10], 304: b""}
    assert answer.content == bodies.get(status, answer.content)
    if status == 304:
        assert headers_of(answer).items() >= {"etag": ETAG, "vary": "Authorization"}.items()


@pytest.mark.parametrize(
    "headers", [{"If-Match": ETAG}, {"If-Unmodified-Since": "Wed, 21 Oct 2015 07:28:00 GMT"}]
)
async def test_two_conditions_that_nginx_always_refuses_are_met(
    direct: Reader, headers: dict[str, str]
) -> None:
    history_id = await direct.file()

    answer = await direct.http.get(path_of(history_id), headers=headers)

    assert (answer.status_code, answer.content) == (200, CONTENT)


async def test_an_empty_file_has_no_parts(reader: Reader) -> None:
    history_id = await reader.file(b"")

    whole = await reader.http.get(path_of(history_id))
    part = await reader.http.get(path_of(history_id), headers={"Range": "bytes=0-"})

    assert (whole.status_code, whole.content) == (200, b"")
    assert (part.status_code, part.headers["Content-Range"]) == (416, "bytes */0")


async def test_the_path_comes_from_the_ids_alone(
    reader: Reader, tmp_path_factory: pytest.TempPathFactory
) -> None:
    history_id = await reader.file()
    bait = tmp_path_factory.mktemp("bait") / "bait"
    bait.write_bytes(b"x" * SIZE)
    await reader.rows.set(history_id, f"file_path = '{bait}'")

    answer = await reader.http.get(path_of(history_id))

    assert answer.content == CONTENT
