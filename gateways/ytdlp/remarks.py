"""What yt-dlp says while it works, kept for administrators."""

from collections import deque

from gateways.ytdlp.texts import clean_remark

MAX_KEPT = 3
"""The last remarks; the error is the last of them."""


class Remarks:
    """yt-dlp's logger: keeps the last warnings and errors, and prints nothing.

    Source: yt_dlp/YoutubeDL.py, the parameter ``logger``.
    """

    def __init__(self) -> None:
        self._kept: deque[str] = deque(maxlen=MAX_KEPT)

    def debug(self, message: str) -> None:
        """Take what is said of the normal course, and drop it."""

    def warning(self, message: str) -> None:
        """Keep a warning."""
        self._keep(message)

    def error(self, message: str) -> None:
        """Keep an error."""
        self._keep(message)

    @property
    def text(self) -> str:
        """The remarks in one line, the last one first; empty if there was none."""
        return clean_remark(" | ".join(reversed(self._kept)))

    def _keep(self, message: str) -> None:
        text = clean_remark(message)
        # yt-dlp says an error, and then says it again with what it was made from.
        if text and text not in self._kept:
            self._kept.append(text)
