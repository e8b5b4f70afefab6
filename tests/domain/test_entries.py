"""Selectors of entries, and how they are written."""

import pytest

from domain.entries import FIRST, EntrySelector, decode_entry, encode_entry, is_entry_id


@pytest.mark.parametrize(
    ("entry", "text"),
    [
        (FIRST, '"first"'),
        (EntrySelector(index=3), '{"index": 3}'),
        (EntrySelector(id="日本"), '{"id": "日本"}'),
        (EntrySelector(index=3, id="x"), '{"index": 3, "id": "x"}'),
    ],
)
def test_a_selector_is_kept_as_it_is_asked_for(entry: EntrySelector, text: str) -> None:
    written = encode_entry(entry)

    assert (written, decode_entry(written)) == (text, entry)


def test_an_id_is_text_that_can_be_shown_and_kept() -> None:
    good = ("a", "日本 3", "x" * 200)
    bad = ("", "a\n", "a\x07", "a\u202eb", "\ud800", "x" * 201)

    assert all(is_entry_id(text) for text in good)
    assert not any(is_entry_id(text) for text in bad)
