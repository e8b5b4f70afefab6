"""Texts as Windows writes them."""

from io import BytesIO

import pytest

from vasset.texts import decoded, lines

URLS = "https://a.example/1\r\nhttps://a.example/电影\r\n"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_a_list_is_the_same_in_every_encoding_of_windows(encoding: str) -> None:
    raw = URLS.encode(encoding)

    assert [line.strip() for line in lines(BytesIO(raw))] == URLS.split()
    assert decoded(raw) == URLS


def test_what_is_no_text_is_shown_by_its_bytes() -> None:
    assert list(lines(BytesIO(b"ok\n\xff\xfe\n"))) == ["ok\n", "\\xff\\xfe\n"]
