import re
import unicodedata
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from web.delivery.dispositions import attachment, safe_name

FORM = re.compile(
    r"attachment; filename=\"([^\"\\]*)\"; filename\*=UTF-8''([!#$&+.^_`|~%A-Za-z0-9-]+)"
)


@pytest.mark.parametrize(
    ("given_name", "kept"),
    [
        ("A film.mp4", "A film.mp4"),
        ("фильм.mkv", "фильм.mkv"),
        ('a"b\\c;d.mp4', "a_b_c;d.mp4"),
        ("a\r\nSet-Cookie: x=1.mp4", "aSet-Cookie_ x=1.mp4"),
        ("a\0b.mp4", "ab.mp4"),
        ("gpj.\u202e4pm.exe", "gpj.4pm.exe"),
        ("../../x", "_._x"),
        ("C:\\x.mp4", "C__x.mp4"),
        (".htaccess", "htaccess"),
        ("CON", "_CON"),
        ("nul.mp4", "_nul.mp4"),
        ("", "download"),
        ("....", "download"),
        (None, "download"),
    ],
)
def test_no_name_is_a_path_a_device_or_a_trick(given_name: str | None, kept: str) -> None:
    assert safe_name(given_name or "") == kept


def test_a_long_name_keeps_its_extension() -> None:
    name = safe_name("🦊" * 500 + ".mp4")

    assert len(name.encode()) <= 200
    assert name.endswith("🦊.mp4")


def test_old_clients_get_a_name_in_ascii() -> None:
    assert 'filename="Ca va.mp4"' in attachment("Ça va.mp4")
    assert 'filename="download.mkv"' in attachment("фильм.mkv")


@given(st.text(max_size=300))
def test_whatever_the_name_the_header_is_one_line_of_the_right_form(name: str) -> None:
    header = attachment(name)

    match = FORM.fullmatch(header)
    assert match is not None, header
    assert header.isascii()
    assert header.isprintable()
    true = unquote(match[2])
    assert 0 < len(true.encode()) <= 200
    assert not any(unicodedata.category(c)[0] == "C" or c in "/\\" for c in true)
