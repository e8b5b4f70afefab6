"""A small file system of a test's own, so that a disk is full when the test says so."""

import os
import subprocess
from pathlib import Path
from typing import Self

import pytest

_ROOT = 0


class SmallDisk:
    """A tmpfs at a folder, gone when the test ends; where nobody may mount, the test is skipped."""

    def __init__(self, folder: Path, *, size_bytes: int) -> None:
        self.folder = folder
        folder.mkdir()
        options = f"size={size_bytes},mode=0700,uid={os.geteuid()}"
        self._as_root("mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        # Lazily: a process that a test killed may not be quite gone.
        self._as_root("umount", "-l", str(self.folder))

    def fill(self, *, but_bytes: int) -> Path:
        """Let somebody else write until so little is free; deleting the file makes room again."""
        space = os.statvfs(self.folder)
        file = self.folder / "somebody-else"
        file.write_bytes(bytes(space.f_bavail * space.f_frsize - but_bytes))
        return file

    def _as_root(self, *command: str) -> None:
        sudo = () if os.geteuid() == _ROOT else ("sudo", "-n")
        try:
            subprocess.run([*sudo, *command], check=True, capture_output=True)  # noqa: S603 - ours
        except (OSError, subprocess.CalledProcessError) as error:
            # No package changes that, so it is no fault of the machine, whatever CI says.
            pytest.skip(f"this machine lets nobody mount: {error}")
