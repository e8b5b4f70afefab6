"""The disk of a node: how full it is, and how much all that runs there may take of it."""

import os
from dataclasses import dataclass
from pathlib import Path

from storage.files import STAGING, Files

_BLOCK_BYTES = 512
"""The unit of ``st_blocks``. Source: stat(3type)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Disk:
    """What a node tells of its disk with each heartbeat; bytes.

    Attributes:
        staging_bytes: Of them, what unfinished downloads take up.
        spare_bytes: What must stay free: beyond the stop line.
    """

    total_bytes: int
    free_bytes: int
    staging_bytes: int
    spare_bytes: int

    @property
    def room_bytes(self) -> int:
        """Return what all that runs may take up together, with what it has taken already.

        So it stays the same while they write, and no reservation has to be written down again.
        """
        return self.free_bytes - self.spare_bytes + self.staging_bytes

    @property
    def is_full(self) -> bool:
        """Whether nothing new may begin."""
        return self.free_bytes <= self.spare_bytes


def measure(files: Files, *, stop_ratio: float) -> Disk:
    """Return how full the disk of these files is; blocks.

    Raises:
        OSError: It cannot be looked at.
    """
    # Before the free space: what is written in between is then counted once less, not once more.
    staging = _blocks_below(files.root / STAGING)
    usage = files.usage()
    return Disk(
        total_bytes=usage.total_bytes,
        free_bytes=usage.free_bytes,
        staging_bytes=staging,
        spare_bytes=round(usage.total_bytes * (1 - stop_ratio)),
    )


def _blocks_below(folder: Path) -> int:
    """Return the bytes that files take up on the disk; what vanishes meanwhile is left out."""
    total = 0
    for above, _, names in os.walk(folder):
        for name in names:
            try:
                total += Path(above, name).lstat().st_blocks * _BLOCK_BYTES
            except FileNotFoundError:
                continue
    return total
