"""The name under which an asset is offered."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.characters import safe_text
from domain.names import MAX_NAME_BYTES, asset_name, title_of


@pytest.mark.parametrize(
    ("title", "name"),
    [
        ("A  film: part 1/2", "A film_ part 1_2.mp4"),
        ("电影", "电影.mp4"),
        ("../../etc/passwd", "_.._etc_passwd.mp4"),
        ("evil\r\nSet-Cookie: x=1", "evilSet-Cookie_ x=1.mp4"),
        ("safe\u202e4pm.exe", "safe4pm.exe.mp4"),
        (
            "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645",
            "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645.mp4",
        ),
        ("क्\u200dष", "क्\u200dष.mp4"),
        ("👨\u200d👩\u200d👧 day", "👨\u200d👩\u200d👧 day.mp4"),
        ("\U0001faea\U0001fadf", "\U0001faea\U0001fadf.mp4"),
        ("new \U0001fbff\U0001faff", "new \U0001fbff\U0001faff.mp4"),
        ("\u200d \u200c.", "video-7.mp4"),
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
    assert safe_text(name) == name
    assert name.endswith(".webm")
    assert name.strip(". ") == name


@pytest.mark.parametrize(
    ("site_title", "extractor", "list_title", "chosen"),
    [
        ("Own", "youtube", "Listed", "Own"),
        ("", "youtube", "Listed", "Listed"),
        ("file-7", "generic", "Listed", "Listed"),
        ("Page (3)", "html5", "Listed", "Listed"),
        ("file-7", "generic", None, "file-7"),
        ("", "generic", None, ""),
    ],
)
def test_a_list_names_what_the_site_does_not(
    site_title: str, extractor: str, list_title: str | None, chosen: str
) -> None:
    assert title_of(site_title, extractor, list_title) == chosen
