"""Whether a running fetch still gets anywhere, and stays within its bounds."""

import shutil
from dataclasses import dataclass
from pathlib import Path

from domain.failures import DiskFullError, StalledError, TimedOutError, TooLargeError
from gateways.ytdlp.options import STEM, FetchLimits

MIN_RATE_BPS = 1024
"""Fewer bytes a second than this, for the stall timeout, is a stall. Source: reliability 4."""

MAX_FILES = 10_000
"""Entries of a staging folder; fragments are joined and removed as they come."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Footprint:
    """What a staging folder holds.

    Attributes:
        fetched_bytes: Of all that came from the source.
        merged_bytes: Of what ffmpeg is writing from it.
        changed_ns: When the newest file was last written to.
        free_bytes: On its disk.
    """

    fetched_bytes: int = 0
    merged_bytes: int = 0
    changed_ns: int = 0
    free_bytes: int = 0


def measure(staging: Path) -> Footprint:
    """Return what the folder holds; files that vanish meanwhile are left out.

    Raises:
        TooLargeError: It holds more entries than any fetch needs.
    """
    fetched = merged = changed = 0
    for number, path in enumerate(staging.rglob("*")):
        if number >= MAX_FILES:
            raise TooLargeError
        try:
            status = path.lstat()
        except FileNotFoundError:
            continue
        changed = max(changed, status.st_mtime_ns)
        if path.name.startswith(f"{STEM}.temp."):
            merged += status.st_size
        else:
            fetched += status.st_size
    return Footprint(
        fetched_bytes=fetched,
        merged_bytes=merged,
        changed_ns=changed,
        free_bytes=shutil.disk_usage(staging).free,
    )


class Watch:
    """Judges one fetch by its reports and its folder; the caller tells the time.

    Args:
        now: Seconds of a clock that only grows.
        spare_bytes: What must stay free on the disk.
    """

    def __init__(self, limits: FetchLimits, now: float, *, spare_bytes: int = 0) -> None:
        self._limits = limits
        self._spare = spare_bytes
        self._deadline = now + limits.time_limit.total_seconds()
        self._patience = limits.stall_timeout.total_seconds()
        self._marked_at = now
        self._grown = 0
        self._footprint = Footprint()
        self._reported = 0
        self._is_merging = False

    def left(self, now: float) -> float:
        """Return the seconds that remain of the time limit, 0 or more."""
        return max(0.0, self._deadline - now)

    def hear(self, downloaded_bytes: int) -> None:
        """Take a report of progress."""
        self._grown += max(0, downloaded_bytes - self._reported)
        self._reported = downloaded_bytes

    def merging(self) -> None:
        """Note that no more bytes will come: from here on, writing counts as getting on.

        ffmpeg rewrites a finished file in place, which no size shows.
        """
        self._is_merging = True

    def look(self, footprint: Footprint, now: float) -> None:
        """Judge.

        Raises:
            TimedOutError: The time limit is over.
            TooLargeError: The folder holds more than is allowed.
            StalledError: Too little moved for too long.
            DiskFullError: Less than what must stay free is free.
        """
        before, self._footprint = self._footprint, footprint
        if now >= self._deadline:
            raise TimedOutError
        if max(footprint.fetched_bytes, footprint.merged_bytes) > self._limits.max_bytes:
            raise TooLargeError
        if footprint.free_bytes < self._spare:
            raise DiskFullError
        for old, new in (
            (before.fetched_bytes, footprint.fetched_bytes),
            (before.merged_bytes, footprint.merged_bytes),
        ):
            self._grown += max(0, new - old)
        is_writing = self._is_merging and footprint.changed_ns > before.changed_ns
        if is_writing or self._grown >= MIN_RATE_BPS * self._patience:
            self._marked_at, self._grown = now, 0
        elif now - self._marked_at >= self._patience:
            raise StalledError
