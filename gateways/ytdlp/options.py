"""What a fetch is given, and the yt-dlp parameters that follow from it."""

import random
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from io import StringIO
from pathlib import Path
from typing import Any

from domain.download import ProxyLease
from domain.failures import LiveStreamError
from domain.requests import Wish
from gateways.ytdlp.connections import retry_wait
from gateways.ytdlp.kinds import DEMUXERS
from gateways.ytdlp.wrapping import wrapping

STEM = "media"
"""The one file name, so that no text of a site ever becomes part of a path."""

UNKNOWN = "unknown_video"
"""yt-dlp's extension for what neither address nor type names."""

UNNAMED = "vid"
"""The extension, one that yt-dlp takes, for a video under one that it does not take."""

UNFINISHED = frozenset({"part", "temp", "ytdl", "meta", "orig", "uncut"})
"""The extensions of what yt-dlp itself has not finished."""

HOME = "home"
"""The folder in staging for what programs keep for themselves; nothing in it is believed."""

# A playlist served as "video/mp4" makes ffmpeg open what it names: another user's file, or a host
# inside. So it may only read files, in container formats that name no others.
# Source: reliability M6, M7; CVE-2026-107697.
FFMPEG_INPUT = (
    *("-protocol_whitelist", "file,crypto,data"),
    *("-format_whitelist", ",".join((*DEMUXERS, "webvtt", "srt"))),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class FetchLimits:
    """What one fetch may use up.

    Attributes:
        max_bytes: Of the media; merging may hold as much again for a moment.
        time_limit: From the order to the finished file.
        stall_timeout: How long fewer than 1 KiB a second are put up with.
        connections: Fragments of one video that are fetched at once.
        spare_children: Children that wait, forked ahead, for their order.
        max_entries: Of a list, that are read to find the wished one.
        live_limit: How long a live stream is recorded, within ``time_limit``.
    """

    max_bytes: int
    time_limit: timedelta
    stall_timeout: timedelta
    connections: int
    spare_children: int = 3
    max_entries: int = 500
    live_limit: timedelta = timedelta(hours=4)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tools:
    """The programs beside yt-dlp.

    Attributes:
        ffmpeg: None to look on the system's own path; ffprobe is looked for beside it.
        js_runtime: A deno, or None to do without the sites that need one.
    """

    ffmpeg: Path | None
    js_runtime: Path | None


@dataclass(frozen=True, slots=True, kw_only=True)
class FetchOrder:
    """One video to fetch.

    Attributes:
        staging: An empty folder of this attempt's own; absolute.
        lease: The proxy that everything goes through. A secret.
        cookies: Of this site, in Netscape's format; empty for none. A secret.
        max_bytes: Of the media; where it is less than what the limits say.
        spare_bytes: What must stay free on the disk of the folder.
        is_careful: Whether to have only one connection at a time to the source.
    """

    wish: Wish
    staging: Path
    lease: ProxyLease
    cookies: str = field(default="", repr=False)
    max_bytes: int = sys.maxsize
    spare_bytes: int = 0
    is_careful: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ChildOrder:
    """What a child learns of an order: neither proxy nor password, only its token at the gate.

    Attributes:
        token: A secret, like the cookies.
    """

    wish: Wish
    staging: Path
    token: str
    cookies: str = ""

    def __repr__(self) -> str:
        return f"ChildOrder({self.staging.name})"


def ytdlp_options(
    order: ChildOrder, limits: FetchLimits, tools: Tools, *, gate: str
) -> dict[str, Any]:
    """Return the complete parameters for ``YoutubeDL``; nothing else reaches it.

    Args:
        gate: The address of the gate, with the token; the empty text forbids every proxy.

    ``max_filesize`` is left out on purpose: yt-dlp then ends without a file and without an error,
    so the child's progress hook judges the same announced length.
    Which formats are fetched is no parameter but ``selector.Selector``.

    Source: yt_dlp/YoutubeDL.py, the class docstring; reliability 6.4.
    """
    return {
        **source(gate, tools),
        # A text of its own: what the site adds to it ends with this child.
        "cookiefile": StringIO(order.cookies) if order.cookies else None,
        **_transfer(limits),
        # Only ours are merged, see selector.py.
        "allow_multiple_audio_streams": True,
        **wrapping(order.wish),
        "outtmpl": {"default": f"{STEM}.%(ext)s"},
        "paths": {"home": str(order.staging)},
        "restrictfilenames": True,
        "overwrites": True,
        "updatetime": False,
        "cachedir": False,
        "ffmpeg_location": str(tools.ffmpeg) if tools.ffmpeg else None,
        # Ordinary and downloading ffmpeg: neither may open a connection of its own.
        "postprocessor_args": {"ffmpeg_i": list(FFMPEG_INPUT)},
        "external_downloader_args": {"ffmpeg_i": list(FFMPEG_INPUT)},
        "quiet": True,
        "no_warnings": True,
        "noprogress": True,
        "no_color": True,
    }


def source(gate: str, tools: Tools) -> dict[str, Any]:
    """Return what holds for every visit to a site: by which way, with which tools."""
    return {
        # None would let yt-dlp take a proxy from the environment.
        "proxy": gate,
        "noplaylist": True,
        "playlist_items": "1",
        "match_filter": refuse_live,
        "cookiesfrombrowser": None,
        "usenetrc": False,
        "enable_file_urls": False,
        "js_runtimes": {"deno": {"path": str(tools.js_runtime)}} if tools.js_runtime else {},
        "remote_components": [],
    }


def _transfer(limits: FetchLimits) -> dict[str, Any]:
    return {
        "continuedl": False,
        "nopart": False,
        "socket_timeout": 20,
        "retries": 3,
        "fragment_retries": 3,
        "extractor_retries": 3,
        "file_access_retries": 0,
        # Of the others the wait is in adjustments.py.
        "retry_sleep_functions": {"extractor": _wait_of_extractor},
        "skip_unavailable_fragments": False,
        "concurrent_fragment_downloads": limits.connections,
        "hls_prefer_native": True,
        "external_downloader": {"default": "native"},
    }


def _wait_of_extractor(n: int) -> float:
    """Return the seconds before a retry; yt-dlp counts from 0, and by this name."""
    return retry_wait(n + 1, random.random())  # noqa: S311 - spreads load, guards nothing


def refuse_live(media: Mapping[str, Any], *, incomplete: bool = False) -> None:
    """Let pass what has an end.

    Raises:
        LiveStreamError: It is on air, or will be; yt-dlp passes this through untouched.
    """
    del incomplete  # What is not known yet passes now and is asked about again later.
    if media.get("is_live") or media.get("live_status") in ("is_live", "is_upcoming"):
        raise LiveStreamError
