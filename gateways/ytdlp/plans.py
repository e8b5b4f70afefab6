"""How long what a playlist lists is, by the playlist; yt-dlp reads it for the addresses alone."""

import contextlib
import math
from collections.abc import Iterable, Mapping
from typing import Any, cast


def hls_length(playlist: str, part: int | None = None) -> float | None:
    """Return the seconds that the fragments of a playlist last together, without advertisements.

    None if it does not say.

    Args:
        part: Of a playlist with discontinuities, the one part that is fetched.

    Source: RFC 8216, 4.3.2.1; yt_dlp/downloader/hls.py, ``real_download``.
    """
    total, length, number, is_ad = 0.0, 0.0, 0, False
    for line in map(str.strip, playlist.splitlines()):
        if line.startswith("#EXTINF:"):
            length = _seconds(line[8:].partition(",")[0])
        elif line.startswith("#EXT-X-DISCONTINUITY"):
            number += 1
        elif line.startswith(("#ANVATO-SEGMENT-INFO", "#UPLYNK-SEGMENT")):
            is_ad = "type=ad" in line or line.endswith(",ad")
        elif line and not line.startswith("#"):
            if not is_ad and part in (None, number):
                total += length
            length = 0.0
    return total or None


def dash_length(formats: Iterable[Mapping[str, Any]]) -> float | None:
    """Return the seconds of the longest of some formats; None if one of them does not say."""
    lengths = [_fragments_length(one.get("fragments")) for one in formats]
    return max((one for one in lengths if one), default=None) if all(lengths) else None


def _fragments_length(fragments: object) -> float | None:
    if not isinstance(fragments, list):
        return None
    media = cast("list[Mapping[str, Any]]", fragments)
    # The first may be the initialization, which lasts no time.
    unknown = [one for one in media[1:] if not one.get("duration")]
    return None if unknown else sum(_seconds(one.get("duration") or 0) for one in media) or None


def _seconds(value: object) -> float:
    with contextlib.suppress(ValueError, TypeError):
        seconds = float(cast("Any", value))
        return seconds if math.isfinite(seconds) and seconds > 0 else 0.0
    return 0.0
