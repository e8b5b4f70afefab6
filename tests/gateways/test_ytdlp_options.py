from datetime import timedelta
from pathlib import Path

import pytest

from domain.failures import LiveStreamError
from domain.requests import Wish
from gateways.ytdlp.options import (
    ChildOrder,
    FetchLimits,
    Tools,
    refuse_live,
    ytdlp_options,
)

URL = "https://video.example/1"
LIMITS = FetchLimits(
    max_bytes=1_000_000,
    time_limit=timedelta(minutes=1),
    stall_timeout=timedelta(seconds=30),
    connections=4,
)
NO_TOOLS = Tools(ffmpeg=None, js_runtime=None)


GATE = "http://job:t0ken@127.0.0.1:3128"
ORDER = ChildOrder(wish=Wish(url=URL), staging=Path("/staging/1.1"), token="t0ken")


def test_everything_goes_through_the_gate() -> None:
    assert ytdlp_options(ORDER, LIMITS, NO_TOOLS, gate=GATE)["proxy"] == GATE


def test_an_order_does_not_show_its_token() -> None:
    assert "t0ken" not in repr(ORDER)


def test_the_only_path_is_the_staging_folder_with_a_constant_name() -> None:
    options = ytdlp_options(ORDER, LIMITS, NO_TOOLS, gate=GATE)

    assert options["paths"] == {"home": "/staging/1.1"}
    assert options["outtmpl"] == {"default": "media.%(ext)s"}


def test_tools_that_are_not_there_are_not_looked_for_in_the_network() -> None:
    options = ytdlp_options(ORDER, LIMITS, NO_TOOLS, gate=GATE)

    assert options["js_runtimes"] == {}
    assert options["remote_components"] == []


def test_the_given_tools_are_used() -> None:
    tools = Tools(ffmpeg=Path("/opt/ffmpeg"), js_runtime=Path("/opt/deno"))

    options = ytdlp_options(ORDER, LIMITS, tools, gate=GATE)

    assert options["ffmpeg_location"] == "/opt/ffmpeg"
    assert options["js_runtimes"] == {"deno": {"path": "/opt/deno"}}


def test_ffmpeg_may_open_files_only_and_no_lists_of_files() -> None:
    options = ytdlp_options(ORDER, LIMITS, NO_TOOLS, gate=GATE)

    for arguments in (options["postprocessor_args"], options["external_downloader_args"]):
        given = arguments["ffmpeg_i"]
        assert given[given.index("-protocol_whitelist") + 1] == "file,crypto,data"
        assert not {"hls", "concat", "dash"} & set(
            given[given.index("-format_whitelist") + 1].split(",")
        )


@pytest.mark.parametrize(
    "media", [{"is_live": True}, {"live_status": "is_live"}, {"live_status": "is_upcoming"}]
)
def test_what_has_no_end_is_refused(media: dict[str, object]) -> None:
    with pytest.raises(LiveStreamError):
        refuse_live(media, incomplete=True)


def test_what_was_live_once_is_let_through() -> None:
    refuse_live({"live_status": "was_live", "is_live": False})
