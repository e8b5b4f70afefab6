"""Odd cookie files: what is taken of them, yt-dlp's own reader loads and sends."""

import importlib
from collections.abc import Mapping
from http.cookiejar import LoadError
from io import StringIO
from typing import Any

import pytest

from domain.cookies import of_site

yt_dlp_cookies: Any = importlib.import_module("yt_dlp.cookies")

HEADER = "# Netscape HTTP Cookie File\n"
MENDED: Mapping[str, str] = {
    "as it should be": ".video.example\tTRUE\t/\tTRUE\t2000000000\tname\tvalue\n",
    "HttpOnly": "#HttpOnly_.video.example\tTRUE\t/\tTRUE\t2000000000\tname\tvalue\n",
    "line ends of Windows": ".video.example\tTRUE\t/\tTRUE\t2000000000\tname\tvalue\r\n",
    "line ends of old Macs": "\r.video.example\tTRUE\t/\tTRUE\t2000000000\tname\tvalue\r",
    "a mark at its beginning": f"\ufeff{HEADER}video.example\tFALSE\t/\tTRUE\t0\tname\tvalue\n",
    "blanks for tabs": "  .video.example  TRUE  /  TRUE  2000000000  name  value \n",
    "a wide one without a dot": "video.example\tTRUE\t/\tTRUE\t2000000000\tname\tvalue\n",
    "a narrow one with a dot": ".video.example\tFALSE\t/\tTRUE\t2000000000\tname\tvalue\n",
    "flags in small letters": ".video.example\ttrue\t/\ttrue\t2000000000\tname\tvalue\n",
    "a flag that is none": ".video.example\tTRUE\t/\tsecure\t2000000000\tname\tvalue\n",
    "a domain in capitals": ".Video.Example\tTRUE\t/\tTRUE\t2000000000\tname\tvalue\n",
    "no path": ".video.example\tTRUE\t\tTRUE\t2000000000\tname\tvalue\n",
    "ends with the session": ".video.example\tTRUE\t/\tTRUE\t0\tname\tvalue\n",
    "no end": ".video.example\tTRUE\t/\tTRUE\t\tname\tvalue\n",
    "an end before all time": ".video.example\tTRUE\t/\tTRUE\t-1\tname\tvalue\n",
    "an end with a fraction": ".video.example\tTRUE\t/\tTRUE\t2000000000.75\tname\tvalue\n",
    "an end in milliseconds": ".video.example\tTRUE\t/\tTRUE\t2000000000000\tname\tvalue\n",
    "an end beyond all numbers": f".video.example\tTRUE\t/\tTRUE\t{'9' * 400}\tname\tvalue\n",
    "a comment and a blank line": "# a\n\n$ b\n.video.example\tTRUE\t/\tTRUE\t0\tname\tvalue",
    "a broken line of another": "a.example\tTRUE\n.video.example\tTRUE\t/\tTRUE\t0\tname\tvalue",
}
EMPTY: Mapping[str, str] = {
    "no value": ".video.example\tTRUE\t/\tTRUE\t2000000000\tname\t\n",
    "no value, and an editor took the tab": ".video.example\tTRUE\t/\tTRUE\t2000000000\tname\n",
}


def sent(file: str) -> str | None:
    """Return the header with which yt-dlp asks the site, after it has read what is kept."""
    return loaded(of_site(file, "video.example").text)


def loaded(text: str) -> str | None:
    jar = yt_dlp_cookies.YoutubeDLCookieJar(StringIO(text))
    jar.load()
    return jar.get_cookie_header("https://www.video.example/watch") or jar.get_cookie_header(
        "https://video.example/watch"
    )


@pytest.mark.parametrize("file", MENDED.values(), ids=MENDED.keys())
def test_a_cookie_arrives_however_its_line_is_written(file: str) -> None:
    assert sent(file) == "name=value"


@pytest.mark.filterwarnings("ignore:http.cookiejar bug")
@pytest.mark.parametrize("file", MENDED.values(), ids=MENDED.keys())
def test_what_yt_dlp_takes_by_itself_it_sends_alike(file: str) -> None:
    try:
        alone = loaded(HEADER + file.replace("\r\n", "\n").replace("\r", "\n"))
    except LoadError:
        alone = None

    assert alone in (None, sent(file))


@pytest.mark.parametrize("file", EMPTY.values(), ids=EMPTY.keys())
def test_a_cookie_without_a_value_is_one(file: str) -> None:
    assert sent(file) == "name="


def test_a_value_without_a_name_is_sent_as_yt_dlp_does() -> None:
    assert sent(".video.example\tTRUE\t/\tTRUE\t0\t\tvalue\n") == "value"


def test_letters_of_other_scripts_fit_into_a_header_as_a_browser_sends_them() -> None:
    header = sent(".video.example\tTRUE\t/\tTRUE\t0\tname\t视频\n")

    assert header is not None
    assert header.encode("latin-1") == "name=视频".encode()
