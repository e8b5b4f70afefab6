"""The yt-dlp parameters of a look: what is at an address, without fetching any of it."""

from io import StringIO
from typing import Any

from gateways.ytdlp.options import source
from gateways.ytdlp.protocol import Look


def look_options(order: Look, gate: str) -> dict[str, Any]:
    """Return the complete parameters for ``YoutubeDL``; nothing else reaches it.

    Args:
        gate: The address of the gate, with the token.

    Source: yt_dlp/YoutubeDL.py, the class docstring.
    """
    return {
        **source(gate, order.tools),
        "cookiefile": StringIO(order.cookies) if order.cookies else None,
        # A stream on air may be looked at, though it cannot be fetched.
        "match_filter": None,
        # The entries are named and not visited: one visit for each would take minutes.
        "extract_flat": "in_playlist",
        # One more than is told, so that it can be said whether there are more.
        "playlist_items": f"1:{order.max_entries + 1}",
        # Whatever there is will do: the formats are told, and none of them is chosen.
        "format": "b*",
        "socket_timeout": 10,
        "extractor_retries": 1,
        "cachedir": False,
        "quiet": True,
        "no_warnings": True,
        "noprogress": True,
        "no_color": True,
    }
