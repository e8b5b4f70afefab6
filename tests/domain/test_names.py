"""The name under which an asset is offered."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.names import MAX_NAME_BYTES, asset_name


@pytest.mark.parametrize(
    ("title", "name"),
    [
        ("A  film: part 1/2", "A film_ part 1_2.mp4"),
        ("电影", "电影.mp4"),
        ("../../etc/passwd", "_.._etc_passwd.mp4"),
        ("evil\r\nSet-Cookie: x=1", "evilSet-Cookie_ x=1.mp4"),
        ("safe\u202e4pm.exe", "safe4pm.exe.mp4"),
        ("...", "video-7.mp4"),
        ("CON", "video-7.mp4"),
        ("", "video-7.mp4"),
        (None, "video-7.mp4"),
    ],
)
def test_a_title_becomes_a_safe_name(title: str | None, name: str) -> None:
    assert asset_name(title, "mp4", 7) == name


@given(st.text(max_size=400))
def test_any_text_becomes_a_name_that_every_system_takes(title: str) -> None:
    name = asset_name(title, "webm", 1)

    assert len(name.encode()) <= MAX_NAME_BYTES
    assert not set(name) & set('/\\:*?"<>|')
    assert not any(unicodedata.category(character).startswith("C") for character in name)
    assert name.endswith(".webm")
    assert name.strip(". ") == name
