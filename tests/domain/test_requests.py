"""Which addresses a download may start from."""

import pytest

from domain.failures import InvalidUrlError
from domain.requests import MAX_URL_LENGTH, Quality, check_url, is_format_id

GOOD = [
    "http://example.com/v.mp4",
    "https://example.com:8443/watch?v=1#t=10",
    "https://例え.jp/動画",
    "https://example.com/%0d%0a",
    "https://[2606:4700::1111]/v",
    "https://a_b.example./v",
    "https://xn--r8jz45g.jp/v",
]

BAD = {
    "empty": "",
    "too long": "https://example.com/" + "a" * MAX_URL_LENGTH,
    "no scheme": "example.com/v",
    "bare id": "dQw4w9WgXcQ",
    "pseudo address": "ytsearch100:cat",
    "favourites": ":ytfav",
    "option": "--exec=id",
    "file": "file:///etc/passwd",
    "upper-case file": "FILE:///etc/passwd",
    "ftp": "ftp://example.com/v",
    "script": "javascript:alert(1)",
    "data": "data:text/html,x",
    "one slash": "http:/example.com",
    "no host": "http:///v",
    "relative": "//example.com/v",
    "leading blank": " http://example.com/v",
    "newline": "http://example.com/\nv",
    "tab in scheme": "ht\ttp://example.com/",
    "null": "http://example.com/\x00",
    "delete": "http://example.com/\x7f",
    "user name": "http://user:pass@example.com/",
    "hidden host": "http://good.example\\@127.0.0.1/",
    "encoded host": "http://good.example%2f@127.0.0.1/",
    "port zero": "http://example.com:0/",
    "port too high": "http://example.com:65536/",
    "empty port": "http://example.com:/",
    "two ports": "http://example.com:80:80/",
    "broken bracket": "http://[::1/",
    "smuggled option": "http://example.com/#__youtubedl_smuggle=%7B%7D",
    "empty label": "http://a..example/",
    "leading dot": "http://.example/",
    "two closing dots": "http://example..//",
    "label of 64": "http://" + "a" * 64 + ".example/",
    "name of 300": "http://" + ".".join(["a" * 60] * 5) + "/",
    "leading hyphen": "http://-a.example/",
    "no punycode": "http://xn--\u00ff.example/",
    "bare punycode": "http://xn--.example/",
    "full-width port": "http://example.com:\uff18\uff10/",
    "lone surrogate": "http://example.com/\ud800",
}


@pytest.mark.parametrize("url", GOOD)
def test_an_absolute_http_address_passes_unchanged(url: str) -> None:
    assert check_url(url) == url


@pytest.mark.parametrize("url", BAD.values(), ids=BAD.keys())
def test_anything_else_is_refused(url: str) -> None:
    with pytest.raises(InvalidUrlError):
        check_url(url)


def test_a_quality_knows_the_largest_picture_it_wants() -> None:
    rungs = {quality: quality.max_rung for quality in Quality}

    assert rungs[Quality.P1080] == 1080
    assert rungs[Quality.BEST] is None
    assert rungs[Quality.AUDIO] is None


@pytest.mark.parametrize(
    "text",
    ["22", "137.a_-", "hls-音声", "audio-Français", "137+140-drc", "-x", "é" * 200, '1"', "all"],
)
def test_a_site_may_name_its_formats_in_any_script(text: str) -> None:
    assert is_format_id(text)


@pytest.mark.parametrize(
    "text",
    [
        *("", "1/2", "a b", "1\n", "a\u00a0b", "a\u202eb", "a\u200bb", "1,2", "1[2]", "(1)"),
        *("+", "1+", "+1", "1++2", "\ud800", "x" * 201),
    ],
)
def test_what_no_format_is_named_cannot_be_wished(text: str) -> None:
    assert not is_format_id(text)
