"""Which characters of a stranger's text stay."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.characters import safe_text

ENGLAND = "\U0001f3f4\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f"


@pytest.mark.parametrize(
    "text",
    [
        "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645",
        "👨\u200d👩\u200d👧",
        "❤\ufe0f",
        ENGLAND,
        # Unicode 16, 17 and whatever comes: not known to the Python of today.
        "\U0001fae9\U0001faea\U0001faff",
        "\u0600\u0661",
    ],
)
def test_what_people_write_stays(text: str) -> None:
    assert safe_text(text) == text


@pytest.mark.parametrize(
    "code",
    [
        *(0x00, 0x1B, 0x7F, 0x85, 0xAD, 0xD800, 0xE000, 0xFEFF),
        *(0x061C, 0x200B, 0x200E, 0x202A, 0x202E, 0x2060, 0x2066, 0x2069, 0x2028, 0x2029),
        *(0xFDD0, 0xFDEF, 0xFFFE, 0xFFFF, 0x1FFFE, 0x10FFFF),
        *(0x2065, 0xFFF0, 0xE0001, 0xE0041, 0xE007F, 0xE0FFF),
    ],
)
def test_what_hides_steers_or_turns_goes(code: int) -> None:
    assert safe_text(f"a{chr(code)}b") == "ab"


@given(st.text(st.characters(categories=None)))
def test_what_is_left_is_safe_and_can_be_kept(text: str) -> None:
    safe = safe_text(text)

    assert safe_text(safe) == safe
    assert safe.encode().decode() == safe
