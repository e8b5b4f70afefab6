"""What twins are alike in."""

from dataclasses import replace

from domain.entries import FIRST, EntrySelector
from domain.requests import Container, Live, Quality, Wish
from domain.states import Mode
from domain.twins import twin_key


def test_twins_are_alike_in_all_that_makes_the_bytes() -> None:
    wish = Wish(url="https://example.com/v", format_id="22", subtitles=("en",))
    same = replace(wish, url="https://EXAMPLE.com.:443/v")
    others = [
        replace(wish, url="https://example.com/V"),
        replace(wish, quality=Quality.P720),
        replace(wish, format_id=None),
        replace(wish, container=Container.MKV),
        replace(wish, subtitles=("de",)),
        replace(wish, entry=EntrySelector(id="3")),
    ]

    keys = {twin_key(each, Mode.QUICK) for each in (wish, *others)}

    assert twin_key(same, Mode.QUICK) == twin_key(wish, Mode.QUICK)
    assert len(keys | {twin_key(wish, Mode.ARCHIVE)}) == 8


def test_an_entry_is_known_by_its_id_wherever_it_is() -> None:
    wish = Wish(url="https://example.com/v", entry=EntrySelector(id="3"))
    moved = replace(wish, entry=EntrySelector(index=7, id="3"), title="Third")

    assert twin_key(moved, Mode.QUICK) == twin_key(wish, Mode.QUICK)


def test_a_recording_has_no_twin() -> None:
    wish = Wish(url="https://example.com/v", live=Live.RECORD)

    assert twin_key(wish, Mode.QUICK) is None


def test_a_place_in_a_list_has_no_twin() -> None:
    wish = Wish(url="https://example.com/v")

    keys = [
        twin_key(replace(wish, entry=entry), Mode.QUICK)
        for entry in (FIRST, EntrySelector(index=2))
    ]

    assert keys == [None, None]
