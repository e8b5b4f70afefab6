import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.download import Progress
from domain.requests import Quality, Wish
from domain.warnings import DownloadWarning, WarningCode
from gateways.ytdlp.lines import Lines
from gateways.ytdlp.options import ChildOrder, FetchLimits, Tools
from gateways.ytdlp.protocol import (
    MAX_LINE_BYTES,
    Control,
    Done,
    End,
    Exited,
    Failed,
    Merging,
    Ready,
    Report,
    Start,
    decode_control,
    decode_report,
    encode_control,
    encode_report,
)
from gateways.ytdlp.sandbox import Level
from gateways.ytdlp.texts import MAX_TITLE_LENGTH, clean_text

DONE = Done(
    title="A clip",
    extractor="generic",
    webpage_url="https://video.example/1",
    thumbnail=None,
    duration_s=6.0,
)
START = Start(
    job=7,
    order=ChildOrder(
        wish=Wish(url="https://video.example/1", quality=Quality.P720, format_id="22"),
        staging=Path("/staging/1.1"),
        token="t0ken",
    ),
    limits=FetchLimits(
        max_bytes=10**12,
        time_limit=timedelta(hours=1),
        stall_timeout=timedelta(seconds=30, milliseconds=500),
        connections=4,
    ),
    tools=Tools(ffmpeg=Path("/usr/bin/ffmpeg"), js_runtime=None),
)


@pytest.mark.parametrize(
    "report",
    [
        Progress(downloaded_bytes=0),
        Progress(downloaded_bytes=5, total_bytes=10, percent=50.0, speed_bps=1.5, eta_s=2.0),
        Merging(),
        DONE,
        Failed(leaf="RateLimitedError", chain="HTTPError", retry_after=timedelta(seconds=1)),
        Failed(leaf="CorruptError", chain=""),
    ],
)
def test_a_report_survives_its_line(report: Report) -> None:
    line = encode_report(report)

    assert decode_report(line) == report
    assert line.count(b"\n") == 1


@pytest.mark.parametrize(
    "message",
    [
        START,
        End(job=7, grace=timedelta(seconds=1)),
        Ready(level=Level.FULL),
        Exited(job=7, code=-9),
    ],
)
def test_a_control_message_survives_its_packet(message: Control) -> None:
    assert decode_control(encode_control(message)) == message


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"{}",
        b"null",
        b"[" * 50_000,
        b'{"progress":{"downloaded_bytes":-1}}',
        b'{"progress":{"downloaded_bytes":"5"}}',
        b'{"progress":{"downloaded_bytes":5,"percent":101}}',
        b'{"progress":{"downloaded_bytes":5,"percent":NaN}}',
        b'{"progress":{"downloaded_bytes":5,"speed_bps":1e999}}',
        b'{"progress":{"downloaded_bytes":5},"merging":{}}',
        b'{"done":{"title":null}}',
        b'{"failed":{"leaf":"\\ud800","chain":""}}',
        b"\xff\xfe\x00",
    ],
)
def test_an_unsound_line_says_nothing(line: bytes) -> None:
    assert decode_report(line) is None


@given(st.binary(max_size=2_000))
def test_no_bytes_can_break_the_reader(garbage: bytes) -> None:
    lines = Lines()

    lines.feed(garbage)
    reports = lines.feed(b"\n" + encode_report(DONE))

    assert reports[-1:] == [DONE]


@given(
    st.recursive(
        st.none() | st.booleans() | st.floats() | st.integers() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    ),
    st.sampled_from(["progress", "merging", "done", "failed"]),
)
def test_no_json_can_break_the_reader(body: object, kind: str) -> None:
    line = json.dumps({kind: body}).encode()

    report = decode_report(line)

    assert report is None or isinstance(report, Report)


@given(st.integers(min_value=1, max_value=40))
def test_a_line_may_come_in_pieces(size: int) -> None:
    stream = encode_report(Merging()) + encode_report(DONE)
    lines = Lines()

    pieces = [stream[start : start + size] for start in range(0, len(stream), size)]
    reports = [report for piece in pieces for report in lines.feed(piece)]

    assert reports == [Merging(), DONE]


def test_a_line_without_end_is_dropped_and_the_next_is_read() -> None:
    lines = Lines()

    for _ in range(1_000):
        assert lines.feed(b"x" * 1_000) == []
    reports = lines.feed(b"\n" + encode_report(Merging()))

    assert reports == [Merging()]


def test_a_sound_report_in_an_oversized_line_is_dropped() -> None:
    line = encode_report(Merging())[:-1] + b" " * MAX_LINE_BYTES + b"\n"

    assert Lines().feed(line) == []


@pytest.mark.parametrize(
    ("text", "cleaned"),
    [
        ("line\r\nSet-Cookie: a=b", "line Set-Cookie: a=b"),
        ("\u202egpj.4pm \u0000\u0007\u001b[31m", "gpj.4pm [31m"),
        ("lone \ud800 surrogate", "lone surrogate"),
        ("日本語 🎬 é", "日本語 🎬 é"),
        (
            "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645 👩\u200d🚀 \U0001faff",
            "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645 👩\u200d🚀 \U0001faff",
        ),
        ("a\u061c\u200fb\ufdd0\uffff\u2028c", "ab c"),
        ("  ", ""),
        ("x" * 5_000, "x" * MAX_TITLE_LENGTH),
    ],
)
def test_a_site_s_text_becomes_one_plain_line(text: str, cleaned: str) -> None:
    assert clean_text(text) == cleaned


@given(st.text(st.characters(categories=None)))
def test_cleaned_text_is_always_storable(text: str) -> None:
    cleaned = clean_text(text)

    assert "\0" not in cleaned
    assert len(cleaned) <= MAX_TITLE_LENGTH
    assert cleaned.encode().decode() == cleaned


def test_warnings_are_few_and_name_only_what_can_be_shown() -> None:
    loud = DownloadWarning(code=WarningCode.SUBTITLES_MISSING, subject="e\x1bn\u202e" + "x" * 500)
    done = replace(DONE, warnings=(loud,) * 50)

    report = decode_report(encode_report(done))

    assert isinstance(report, Done)
    assert len(report.warnings) == 10
    assert report.warnings[0].message == f"Subtitles are missing: e n{'x' * 97}."


@pytest.mark.parametrize(
    "url",
    [
        "javascript:alert(1)",
        "file:///etc/passwd",
        "https://a/\n",
        "http://[",
        "https://video.example/" + "x" * 3_000,
        "https://video.example/#__youtubedl_smuggle=%7B%7D",
    ],
)
def test_an_address_that_cannot_be_shown_is_left_out(url: str) -> None:
    done = Done(title="", extractor="", webpage_url=url, thumbnail=url, duration_s=None)

    report = decode_report(encode_report(done))

    assert isinstance(report, Done)
    assert (report.webpage_url, report.thumbnail) == (None, None)
