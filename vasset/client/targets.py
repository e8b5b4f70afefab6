"""Targets: under which name a file is saved, without ever overwriting another one."""

import hashlib
import itertools
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from vasset.client.parts import md5
from vasset.client.shapes import Download
from web.delivery.dispositions import safe_name


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """Where a file is to go.

    Attributes:
        name: Safe on every system; a taken one gets a number.
        digest: The MD5 in hex that the server says it has.
    """

    folder: Path
    name: str
    size_bytes: int
    digest: str

    @property
    def part(self) -> Path:
        """Return the file that grows beside the target.

        Its name has the MD5, so that what is found there later is a part of this very file.
        """
        return self.folder / f"{self.name}.{self.digest[:12]}.part"

    def existing(self) -> Path | None:
        """Return where this very file is already, under its name or a numbered one."""
        for path in self._names():
            if not os.path.lexists(path):
                return None
            if self._is_at(path):
                return path
        return None

    def place(self) -> Path:
        """Give the part, now whole, its name, and return it.

        Raises:
            OSError: The folder does not let us.
        """
        for path in self._names():
            try:
                return _moved(self.part, path)
            except FileExistsError:
                if self._is_at(path):
                    self.part.unlink()
                    return path
        raise FileExistsError(self.name)

    def _names(self) -> Iterator[Path]:
        path = self.folder / self.name
        yield path
        for number in itertools.count(1):
            yield path.with_name(f"{path.stem} ({number}){path.suffix}")

    def _is_at(self, path: Path) -> bool:
        if not path.is_file() or path.stat().st_size != self.size_bytes:
            return False
        with path.open("rb") as stream:
            return hashlib.file_digest(stream, md5).hexdigest() == self.digest


def target_of(download: Download, folder: Path) -> Target:
    """Return where the file of a finished download is to go; its name came from a site.

    Raises:
        ValueError: The server does not say what the file is.
    """
    if download.file_size is None or download.file_hash is None:
        message = "the server has no file for it"
        raise ValueError(message)
    return Target(
        folder=folder,
        name=safe_name(download.file_name or ""),
        size_bytes=download.file_size,
        digest=download.file_hash,
    )


def _moved(part: Path, path: Path) -> Path:
    """Give a file another name that nobody has.

    Raises:
        FileExistsError: Somebody has it.
        OSError: The folder does not let us.
    """
    try:
        path.hardlink_to(part)
    except FileExistsError:
        raise
    except OSError:
        # A stick or a share without links: take the name first, then replace what is ours.
        path.touch(exist_ok=False)
        part.replace(path)
        return path
    part.unlink()
    return path
