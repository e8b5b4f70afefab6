"""How far a fetch of one or more formats is, from yt-dlp's many small reports."""

import threading
from collections.abc import Callable, Mapping
from typing import Any

from domain.download import Progress
from domain.failures import TooLargeError

MIN_INTERVAL_S = 0.25
"""Between two reports; yt-dlp calls its hook for each block."""


class Tally:
    """Adds up the formats of one attempt, such as a picture and its sound.

    Args:
        max_bytes: Of all formats together.
        tell: Takes each report; called from any thread, never from two at once.
        clock: Seconds that only grow.
    """

    def __init__(
        self, max_bytes: int, tell: Callable[[Progress], None], clock: Callable[[], float]
    ) -> None:
        self._max_bytes = max_bytes
        self._tell = tell
        self._clock = clock
        self._lock = threading.Lock()
        self._planned: dict[str, int | None] = {}
        self._finished: dict[str, int] = {}
        self._percent: float | None = None
        self._told_at = float("-inf")

    def plan(self, formats: list[Mapping[str, Any]]) -> None:
        """Note the formats that will be fetched, with the sizes that the site announced.

        Raises:
            TooLargeError: Their exact sizes already pass the bound.
        """
        self._planned = {
            str(one.get("format_id")): _count(one.get("filesize") or one.get("filesize_approx"))
            for one in formats
        }
        if sum(_count(one.get("filesize")) or 0 for one in formats) > self._max_bytes:
            raise TooLargeError

    def add(self, hook: Mapping[str, Any]) -> None:
        """Take one call of yt-dlp's progress hook.

        Raises:
            TooLargeError: The bytes here, or the length that was announced, pass the bound.

        Source: yt_dlp/YoutubeDL.py, ``progress_hooks``.
        """
        # Fragments are fetched by several threads, each of which calls the hook.
        with self._lock:
            media: Mapping[str, Any] = hook.get("info_dict") or {}
            if "format_id" not in media:
                return  # Subtitles, which come first and weigh nothing.
            name = str(media.get("format_id"))
            before = sum(size for one, size in self._finished.items() if one != name)
            here = before + (_count(hook.get("downloaded_bytes")) or 0)
            announced = _count(hook.get("total_bytes"))
            if max(here, before + (announced or 0)) > self._max_bytes:
                raise TooLargeError
            total = self._total(name, announced or _count(hook.get("total_bytes_estimate")), before)
            if hook.get("status") == "finished":
                self._finished[name] = here - before
            self._report(hook, here, total)

    def _total(self, name: str, size: int | None, before: int) -> int | None:
        """Return the bytes of all formats together, or None while one is unknown."""
        current = size or self._planned.get(name)
        others = [
            size for one, size in self._planned.items() if one != name and one not in self._finished
        ]
        if current is None or None in others:
            return None
        return before + current + sum(size or 0 for size in others)

    def _report(self, hook: Mapping[str, Any], here: int, total: int | None) -> None:
        now = self._clock()
        is_last = hook.get("status") == "finished"
        if not is_last and now - self._told_at < MIN_INTERVAL_S:
            return
        self._told_at = now
        if total:
            # Estimates shrink and grow; what people see does not go back.
            self._percent = max(self._percent or 0.0, min(100.0, 100.0 * here / total))
        self._tell(
            Progress(
                downloaded_bytes=here,
                total_bytes=max(total, here) if total else None,
                percent=self._percent,
                speed_bps=_rate(hook.get("speed")),
                eta_s=_rate(hook.get("eta")),
            )
        )


def _count(value: object) -> int | None:
    """Return a whole number of bytes, or None for anything else that a site may say."""
    rate = _rate(value)
    return None if rate is None else int(rate)


def _rate(value: object) -> float | None:
    if isinstance(value, int | float) and 0 <= value < 2**63:
        return float(value)
    return None
