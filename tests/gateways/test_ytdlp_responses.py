"""Each answer is held against its request: no splice, and no whole file in a fragment's place."""

import io
from collections.abc import Mapping, MutableMapping
from dataclasses import dataclass, field
from http.client import HTTPMessage
from pathlib import Path

import pytest

from gateways.ytdlp.responses import ResponseChecker, WrongAnswerError
from tests.support.fetching import ignore, order, running
from tests.support.site import Site

URL = "https://site.example/clip.mp4"
BODY = bytes(range(100))


class RefusedError(Exception):
    """As yt-dlp's, with the status of the answer."""

    status = 416


@dataclass
class Asked:
    headers: MutableMapping[str, str] = field(default_factory=dict[str, str])
    url: str = URL


class Answered:
    def __init__(self, body: bytes, headers: Mapping[str, str], status: int = 200) -> None:
        self._body = io.BytesIO(body)
        self.status = status
        self.headers = HTTPMessage()
        for name, value in headers.items():
            self.headers[name] = value

    def read(self, amt: int, /) -> bytes:
        return self._body.read(amt)

    def close(self) -> None:
        self._body.close()


def made(body: io.BytesIO, _url: str, headers: Mapping[str, str]) -> Answered:
    return Answered(body.read(), headers, 206)


class Exchange:
    """A checker, and what it asked of a site that answers as scripted."""

    def __init__(self, folder: Path, *, is_fragmented: bool) -> None:
        self.checker = ResponseChecker(
            is_fragmented=is_fragmented, folder=folder, make=made, refusal=RefusedError
        )
        self.asked: list[dict[str, str]] = []

    def __call__(self, wanted: str | None, *answers: Answered | Exception) -> Answered:
        """Ask for a range, or for all; the site answers one after the other."""
        left = list(answers)

        def send(request: Asked) -> Answered:
            self.asked.append(dict(request.headers))
            answer = left.pop(0)
            if isinstance(answer, Exception):
                raise answer
            return answer

        headers = {} if wanted is None else {"Range": f"bytes={wanted}"}
        return self.checker.open(Asked(headers), send)  # pyright: ignore[reportReturnType] - what was answered


def whole(headers: Mapping[str, str] | None = None, *, body: bytes = BODY) -> Answered:
    return Answered(body, {"Content-Length": str(len(body)), **(headers or {})})


def part(
    first: int, last: int, headers: Mapping[str, str] | None = None, *, size: int = 100
) -> Answered:
    told = {"Content-Range": f"bytes {first}-{last}/{size}", **(headers or {})}
    return Answered(BODY[first : last + 1], told, 206)


@pytest.fixture
def file(tmp_path: Path) -> Exchange:
    return Exchange(tmp_path, is_fragmented=False)


@pytest.fixture
def fragments(tmp_path: Path) -> Exchange:
    return Exchange(tmp_path, is_fragmented=True)


async def test_a_file_that_changed_under_a_broken_transfer_is_fetched_anew(
    site: Site, tmp_path: Path
) -> None:
    async with running() as runner:
        media = await runner.fetch(
            order(site.url("/changing/splice", size=1_000_000), tmp_path), ignore
        )

    assert media.path.read_bytes() == site.media.padded(1_000_000, 1).read(0, 1_000_000)


@pytest.mark.parametrize(
    ("headers", "condition"),
    [
        ({"ETag": '"a"', "Last-Modified": "yesterday"}, '"a"'),
        ({"Last-Modified": "yesterday"}, "yesterday"),
    ],
)
def test_the_rest_is_asked_for_under_the_condition_of_the_first_answer(
    file: Exchange, headers: dict[str, str], condition: str
) -> None:
    file(None, whole(headers))

    file("50-", part(50, 99, headers))

    assert file.asked[-1] == {"Range": "bytes=50-", "If-Range": condition}


@pytest.mark.parametrize("headers", [{}, {"ETag": 'W/"a"'}])
def test_without_proof_the_whole_file_is_asked_for(file: Exchange, headers: dict[str, str]) -> None:
    file(None, whole(headers))

    file("50-", whole(headers))

    assert file.asked[-1] == {}


@pytest.mark.parametrize(
    "rest",
    [
        part(50, 99, {"ETag": '"b"'}),
        part(50, 119, {"ETag": '"a"'}, size=120),
        part(50, 99),
        RefusedError(),
    ],
    ids=["another tag", "the same tag and another length", "no tag", "shorter than what is here"],
)
def test_the_rest_of_another_file_begins_the_transfer_again(
    file: Exchange, rest: Answered | Exception
) -> None:
    file(None, whole({"ETag": '"a"'}))

    answer = file("50-", rest, whole({"ETag": '"b"'}))

    assert file.asked[-1] == {}
    assert answer.headers["Content-Range"] is None
    assert answer.read(200) == BODY


def test_a_refusal_of_another_kind_stays_one(file: Exchange) -> None:
    refusal = RefusedError()
    refusal.status = 404
    file(None, whole({"ETag": '"a"'}))

    with pytest.raises(RefusedError):
        file("50-", refusal)


def test_fragments_need_not_agree_on_a_tag(fragments: Exchange) -> None:
    first = fragments("0-9", part(0, 9, {"ETag": '"a"'}))
    second = fragments("10-19", part(10, 19, {"ETag": '"b"'}))

    assert (first.read(99), second.read(99)) == (BODY[:10], BODY[10:20])
    assert all("If-Range" not in asked for asked in fragments.asked)


def test_a_fragment_that_broke_off_is_asked_for_from_its_own_beginning(
    fragments: Exchange,
) -> None:
    fragments("10-19", part(10, 19))

    again = fragments("15-19", part(10, 19))

    assert fragments.asked[-1] == {"Range": "bytes=10-19"}
    assert (again.headers["Content-Range"], again.read(99)) == (None, BODY[10:20])


def test_a_server_without_ranges_is_asked_once_and_each_fragment_cut_out(
    fragments: Exchange,
) -> None:
    bodies = [fragments("0-9", whole()), fragments("10-19"), fragments("90-99")]

    assert [body.read(99) for body in bodies] == [BODY[:10], BODY[10:20], BODY[90:]]
    assert len(fragments.asked) == 1


def test_a_part_under_a_wrong_status_is_that_part(fragments: Exchange) -> None:
    answer = fragments("10-19", Answered(BODY[10:20], {"Content-Length": "10"}))

    assert answer.read(99) == BODY[10:20]


def test_a_fragment_is_cut_out_of_a_longer_part(fragments: Exchange) -> None:
    answer = fragments("10-19", part(5, 25))

    assert answer.read(99) == BODY[10:20]


@pytest.mark.parametrize(
    "answer",
    [
        part(20, 29),
        part(10, 18),
        Answered(BODY[10:20], {}, 206),
        part(10, 19, {"Content-Length": "4"}),
        whole(body=BODY[:15]),
        Answered(b"<!DOCTYPE html><p>Busy", {"Content-Range": "bytes 10-19/100"}, 206),
        whole(body=b'{"error": "busy"}' * 9),
    ],
    ids=["another", "short", "unnamed", "miscounted", "too short a whole", "a page", "JSON"],
)
def test_what_is_not_the_fragment_is_refused(fragments: Exchange, answer: Answered) -> None:
    with pytest.raises(WrongAnswerError):
        fragments("10-19", answer)


def test_fragments_of_two_files_are_not_joined(fragments: Exchange) -> None:
    fragments("0-9", part(0, 9, {"ETag": '"a"'}))

    with pytest.raises(WrongAnswerError):
        fragments("10-19", part(10, 19, {"ETag": '"a"'}, size=120))


@pytest.mark.parametrize(
    ("headers", "is_complete"),
    [({"Content-Length": "100"}, True), ({"Transfer-Encoding": "chunked"}, True), ({}, False)],
)
def test_a_transfer_is_complete_if_all_answers_say_where_they_end(
    file: Exchange, headers: dict[str, str], *, is_complete: bool
) -> None:
    file(None, Answered(BODY, headers))

    assert file.checker.is_complete is is_complete


@pytest.mark.parametrize(
    "lie",
    [part(48, 99), part(60, 99), Answered(BODY[50:], {}, 206), whole(body=BODY[50:])],
    ids=["an earlier start", "a later start", "no start", "the rest as a whole"],
)
def test_a_rest_that_begins_elsewhere_is_asked_for_as_a_whole(
    file: Exchange, lie: Answered
) -> None:
    file(None, whole())

    answer = file("50-", lie, whole())

    assert (answer.status, answer.read(1_000)) == (200, BODY)
    assert file.asked[-1] == {}


@pytest.mark.parametrize("lie", [part(0, 49), part(50, 99), Answered(BODY[50:], {}, 206)])
@pytest.mark.parametrize("is_fragmented", [False, True])
def test_a_part_that_nobody_asked_for_is_not_a_whole(
    tmp_path: Path, lie: Answered, *, is_fragmented: bool
) -> None:
    exchange = Exchange(tmp_path, is_fragmented=is_fragmented)

    with pytest.raises(WrongAnswerError):
        exchange(None, lie)


@pytest.mark.parametrize(
    ("body", "is_media"),
    [
        (b'{"error": "gone"}' + b" " * 47, False),
        (b'{"' + bytes(range(62)), True),
        (b"<MPD xmlns=''><Period>" + b" " * 42, False),
    ],
    ids=["JSON", "encrypted", "a manifest"],
)
def test_an_encrypted_fragment_is_no_message(
    fragments: Exchange, body: bytes, *, is_media: bool
) -> None:
    if is_media:
        assert fragments(None, whole(body=body)).read(1_000)
        return
    with pytest.raises(WrongAnswerError):
        fragments(None, whole(body=body))
