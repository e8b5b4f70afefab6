"""The transfers of one fetch: what they were planned to bring, and what of it came."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from gateways.ytdlp.options import HOME
from gateways.ytdlp.plans import dash_length, hls_length
from gateways.ytdlp.protocol import Transfer
from gateways.ytdlp.responses import Make, ResponseChecker

_PLAIN = {"http", "https"}


class TransferLog:
    """Keeps a checker for each transfer, of which one runs at a time.

    Args:
        folder: The staging folder.
        make: As in ``ResponseChecker``, like ``refusal``.
    """

    def __init__(self, folder: Path, make: Make, refusal: type[Exception]) -> None:
        self._home = folder / HOME
        self._make = make
        self._refusal = refusal
        self._checkers: list[ResponseChecker] = []
        self._planned: list[float] = []
        self._are_plain: list[bool] = []

    def begin(self, media: Mapping[str, Any]) -> ResponseChecker:
        """Return the checker for the answers of a transfer that begins now.

        Args:
            media: What yt-dlp knows of the format, or of the formats that it fetches together.
        """
        is_plain = str(media.get("protocol")) in _PLAIN
        self._are_plain.append(is_plain)
        self._note(dash_length(media.get("requested_formats") or [media]))
        checker = ResponseChecker(
            is_fragmented=not is_plain, folder=self._home, make=self._make, refusal=self._refusal
        )
        self._checkers.append(checker)
        return checker

    def plan(self, playlist: str, part: int | None) -> None:
        """Note the playlist of an HLS transfer, which will not grow.

        Args:
            part: Of a playlist with discontinuities, the one part that is fetched.
        """
        self._note(hls_length(playlist, part))

    def _note(self, length: float | None) -> None:
        if length is not None:
            self._planned.append(length)

    def facts(self, *, is_rewritten: bool) -> Transfer:
        """Return what is known of all of them.

        Args:
            is_rewritten: Whether anything changed or joined what came.
        """
        is_one = len(self._are_plain) == 1 and all(self._are_plain)
        return Transfer(
            is_complete=bool(self._checkers) and all(one.is_complete for one in self._checkers),
            is_as_sent=is_one and not is_rewritten,
            planned_s=max(self._planned, default=None),
        )
