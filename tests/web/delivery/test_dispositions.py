import re
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.characters import safe_text
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


@pytest.mark.parametrize(
    "title",
    [
        "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645",
        "👨\u200d👩\u200d👧",
        "\U0001faff new",
        "🏴\U000e0067\U000e0062\U000e007f",
    ],
)
def test_joiners_and_emoji_of_any_age_stay_in_a_name(title: str) -> None:
    assert safe_name(f"{title}.mp4") == f"{title}.mp4"


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
    assert safe_text(true) == true
    assert not {"/", "\\"} & set(true)
