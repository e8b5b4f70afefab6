"""Which bytes a request is answered with, held against a slow and plain reference."""

import string
import time

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from werkzeug.datastructures import Headers

from web.delivery.ranges import Refusal, Span, choose, parse

ETAG = '"0123456789abcdef0123456789abcdef"'
SIZE = 1_000


def reference(text: str, size: int) -> Span | Refusal | None:
    """Say what RFC 9110, section 14.1.2, says, one byte position at a time."""
    # Lists, blanks and numbers that others cannot hold are answered with the whole file.
    if text[:6].lower() != "bytes=" or text.count("-") != 1:
        return None
    first, last = text[6:].split("-")
    if set(first + last) - set(string.digits) or not first + last:
        return None
    if max(len(first), len(last)) > 18:
        return None
    if first and last and int(last) < int(first):
        return None
    if first:
        wanted = [n for n in range(size) if int(first) <= n and (not last or n <= int(last))]
    else:
        wanted = list(range(size))[-int(last) :] if int(last) else []
        if int(last) and not size:
            return None
    return Span(wanted[0], len(wanted)) if wanted else Refusal.UNSATISFIABLE


number = st.integers(0, 40).map(str) | st.sampled_from(["", "007", "9" * 30])
ranges = st.one_of(
    st.builds("bytes={}-{}".format, number, number),
    st.builds("{}={}-{}{}".format, st.sampled_from(["bytes", "BYTES", "items", " bytes"]), number,
              number, st.sampled_from(["", " ", ",", ", 0-1", "-"])),
    st.text(alphabet="bytes=0123456789-, \t\u0660", max_size=20),
)  # fmt: skip


@given(ranges, st.integers(0, 30))
@example("bytes=-1", 0)
@example("bytes=0-", 0)
@example("bytes=-0", 5)
@example("bytes=00-004", 5)
def test_a_range_means_what_the_standard_says(text: str, size: int) -> None:
    assert parse(text, size) == reference(text, size)


@pytest.mark.parametrize(
    ("text", "span"),
    [
        ("bytes=0-0", Span(0, 1)),
        ("bytes=0-", Span(0, SIZE)),
        ("bytes=-1", Span(SIZE - 1, 1)),
        (f"bytes=-{SIZE}", Span(0, SIZE)),
        (f"bytes=-{SIZE + 1}", Span(0, SIZE)),
        ("bytes=-0", Refusal.UNSATISFIABLE),
        (f"bytes={SIZE}-", Refusal.UNSATISFIABLE),
        ("bytes=5-2", None),
        ("bytes=a-b", None),
        ("bytes=--5", None),
        ("bytes=\u0660-\u0669", None),
        ("bytes = 0-1", None),
        ("items=0-1", None),
        ("bytes=0-1,3-4", None),
        ("bytes=0-1,", None),
        ("bytes=-", None),
        ("bytes=0-1\n", None),
        ("bytes=" + "9" * 18 + "-", Refusal.UNSATISFIABLE),
        ("bytes=0-" + "9" * 18, Span(0, SIZE)),
        ("bytes=" + "9" * 4_000 + "-", None),
        ("", None),
    ],
)
def test_each_range_of_the_reliability_page(text: str, span: Span | Refusal | None) -> None:
    assert parse(text, SIZE) == span


@pytest.mark.parametrize("text", ["bytes=" + "0-," * 10_000, "bytes=" + "0" * 64_000 + "-1"])
def test_a_long_header_takes_no_time(text: str) -> None:
    start = time.process_time()

    parse(text, SIZE)

    assert time.process_time() - start < 0.05


@pytest.mark.parametrize(
    ("headers", "chosen"),
    [
        ({"Range": "bytes=0-1"}, Span(0, 2)),
        ({"Range": "bytes=0-1", "If-Range": ETAG}, Span(0, 2)),
        ({"Range": "bytes=0-1", "If-Range": f"W/{ETAG}"}, None),
        ({"Range": "bytes=0-1", "If-Range": '"other"'}, None),
        ({"Range": "bytes=0-1", "If-Range": "Wed, 21 Oct 2015 07:28:00 GMT"}, None),
        ({"Range": f"bytes={SIZE}-", "If-Range": '"other"'}, None),
        ({"If-None-Match": ETAG}, Refusal.NOT_MODIFIED),
        ({"If-None-Match": f"W/{ETAG}"}, Refusal.NOT_MODIFIED),
        ({"If-None-Match": f'"a, b", {ETAG}'}, Refusal.NOT_MODIFIED),
        ({"If-None-Match": "*"}, Refusal.NOT_MODIFIED),
        ({"If-None-Match": '"other"'}, None),
        ({"If-None-Match": ETAG.strip('"')}, None),
        ({"If-None-Match": ETAG, "Range": "bytes=0-1"}, Refusal.NOT_MODIFIED),
        ({"If-Match": ETAG, "Range": "bytes=0-1"}, Span(0, 2)),
        ({"If-Match": "*"}, None),
        ({"If-Match": f"W/{ETAG}"}, Refusal.PRECONDITION_FAILED),
        ({"If-Match": '"other"', "If-None-Match": ETAG}, Refusal.PRECONDITION_FAILED),
        ({}, None),
    ],
)
def test_conditions_come_before_ranges(
    headers: dict[str, str], chosen: Span | Refusal | None
) -> None:
    assert choose(Headers(headers), method="GET", etag=ETAG, size_bytes=SIZE) == chosen


def test_only_get_knows_ranges_and_only_one() -> None:
    twice = Headers([("Range", "bytes=0-1"), ("Range", "bytes=2-3")])
    once = Headers([("Range", "bytes=0-1")])

    assert choose(twice, method="GET", etag=ETAG, size_bytes=SIZE) is None
    assert choose(once, method="HEAD", etag=ETAG, size_bytes=SIZE) is None
