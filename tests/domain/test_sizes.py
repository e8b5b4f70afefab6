"""How large a file will be, by the formats of its site."""

from typing import Any

import pytest

from domain.findings import Findings, Format
from domain.requests import Quality, Wish
from domain.sizes import expected_bytes

WORDS: dict[str, Any] = dict.fromkeys(("thumbnail", "uploader", "webpage_url"))
FORMATS = (
    Format(format_id="sound", vcodec="none", acodec="aac", filesize=10),
    Format(format_id="small", vcodec="h264", acodec="aac", height=360, filesize=100),
    Format(format_id="tall", vcodec="h264", acodec="none", height=1080, filesize=1_000),
    Format(format_id="tall-better", vcodec="av1", acodec="none", height=1080, filesize=1_200),
)


def found(*formats: Format, duration_s: float | None = None) -> Findings:
    return Findings(
        title="t",
        extractor="e",
        live=False,
        formats=formats,
        entries=None,
        duration_s=duration_s,
        **WORDS,
    )


@pytest.mark.parametrize(
    ("wish", "size"),
    [
        (Wish(url="u"), 1_210),
        (Wish(url="u", quality=Quality.P720), 100),
        (Wish(url="u", quality=Quality.AUDIO), 10),
        (Wish(url="u", format_id="tall"), 1_010),
        (Wish(url="u", format_id="small"), 100),
        (Wish(url="u", format_id="unknown"), None),
    ],
)
def test_the_largest_of_what_may_be_chosen_counts(wish: Wish, size: int | None) -> None:
    assert expected_bytes(found(*FORMATS), wish) == size


def test_a_size_follows_from_a_rate() -> None:
    (rated,) = [Format(format_id="1", tbr=800.0)]

    assert expected_bytes(found(rated, duration_s=60.0), Wish(url="u")) == 6_000_000
    assert expected_bytes(found(rated), Wish(url="u")) is None


def test_a_playlist_says_nothing() -> None:
    assert expected_bytes(found(), Wish(url="u")) is None
