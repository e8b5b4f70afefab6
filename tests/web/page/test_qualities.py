"""The qualities that the page offers of a video: named and chosen as the server chooses."""

import json
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import cast

import pytest

from domain.findings import Format
from domain.requests import Quality, Wish
from domain.selection import choose
from runtime.tools import find_js_runtime
from tests.support.ladders import LADDERS, Size
from web.parse.shapes import FormatShown

MODULE = (Path(__file__).parents[3] / "web/page/static/qualities.js").as_uri()
ODD: dict[str, tuple[Size, ...]] = {"odd": ((128, 96), (1024, 576), (1600, 900), (7680, 4320))}


def offered(formats: Sequence[Format]) -> list[tuple[str, str]]:
    """Return the values and labels that the page makes of what ``/parse`` answers."""
    shown = [FormatShown.model_validate(one, from_attributes=True).model_dump() for one in formats]
    code = f"""
        const {{ qualitiesOf }} = await import("{MODULE}");
        console.log(JSON.stringify(qualitiesOf({json.dumps(shown)})));
    """
    told = subprocess.run(  # noqa: S603 - our own page
        [str(find_js_runtime()), "eval", code], capture_output=True, text=True, check=True
    )
    choices = cast("list[dict[str, str]]", json.loads(told.stdout))
    return [(one["value"], one["label"]) for one in choices]


@pytest.mark.parametrize(
    ("ladder", "names"),
    [
        ("landscape", ["1080p", "720p", "360p", "240p", "144p"]),
        ("portrait", ["1080p", "720p", "360p"]),
        ("square", ["1080p", "480p"]),
        ("cinema", ["1080p", "720p", "480p"]),
        ("low", ["240p"]),
        ("odd", ["4320p", "900p", "576p", "96p"]),
    ],
)
def test_each_size_is_called_what_it_is_and_brings_what_it_is_called(
    ladder: str, names: list[str]
) -> None:
    sizes = {**LADDERS, **ODD}[ladder]
    formats = [Format(format_id=f"{w}x{h}", width=w, height=h, acodec="aac") for w, h in sizes]

    choices = offered(formats)

    assert choices[0][0] == "best"
    assert choices[-1][0] == "audio"
    assert [label for _, label in choices[1:-1]] == names
    for value, label in choices[1:-1]:
        choice = choose(formats, Wish(url="u", quality=Quality(value)))
        assert choice is not None
        assert choice.picture is not None
        assert f"{choice.picture.rung}p" == label
