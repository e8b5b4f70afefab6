"""The installed versions of yt-dlp: which one new children use, which one came before.

Each lies in a folder of its own beside the files of the node; two small links say which is used.
Switching one is one rename, so a worker sees the old version or the new one, never half of one.
"""

import re
import shutil
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

FLOOR = (2026, 7, 4)
"""Below it stand published advisories. Source: reliability 5.11."""

HOME = ".ytdlp"
_CURRENT, _PREVIOUS = "current", "previous"
_NAME = re.compile(r"\d{4}(\.\d{1,4}){2,3}([.a-z0-9]*)", re.ASCII)


class YtdlpTooOldError(Exception):
    """The yt-dlp that would be used has known holes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """One installed version.

    Attributes:
        folder: Where it lies; None for the one that came with V-Asset.
    """

    number: str
    folder: Path | None

    @property
    def is_sound(self) -> bool:
        """Whether it has no known hole."""
        numbers = tuple(int(part) for part in re.findall(r"\d+", self.number)[:3])
        return numbers >= FLOOR


class Versions:
    """The versions of one node.

    Args:
        root: The storage root.
    """

    def __init__(self, root: Path) -> None:
        self.home = root / HOME

    def bundled(self) -> Version:
        """Return the version that was installed with V-Asset."""
        return Version(number=metadata.version("yt-dlp"), folder=None)

    def current(self) -> Version:
        """Return the version that new children use.

        Raises:
            YtdlpTooOldError: It has known holes.
        """
        version = self._linked(_CURRENT) or self.bundled()
        if not version.is_sound:
            floor = ".".join(map(str, FLOOR))
            message = (
                f"yt-dlp {version.number} has known holes, {floor} is the oldest that is used:"
                " run `vasset ytdlp upgrade`"
            )
            raise YtdlpTooOldError(message)
        return version

    def previous(self) -> Version | None:
        """Return the version that was used before, or None if there was none."""
        return self._linked(_PREVIOUS)

    def all(self) -> list[Version]:
        """Return every version that is installed, the bundled one first."""
        if not self.home.is_dir():
            return [self.bundled()]
        found = [
            Version(number=folder.name, folder=folder)
            for folder in sorted(self.home.iterdir())
            if folder.is_dir() and not folder.is_symlink() and _NAME.fullmatch(folder.name)
        ]
        return [self.bundled(), *found]

    def draft(self) -> Path:
        """Return an empty folder to install into; an earlier one that was left is removed."""
        self.home.mkdir(mode=0o700, parents=True, exist_ok=True)
        folder = self.home / ".draft"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(mode=0o700)
        return folder

    def adopt(self, draft: Path) -> Version:
        """Make a draft a version of its own, under the number that it has.

        Raises:
            ValueError: There is no yt-dlp in it.
        """
        found = metadata.distributions(name="yt-dlp", path=[str(draft)])
        number = next((one.version for one in found), "")
        if not _NAME.fullmatch(number):
            message = "no yt-dlp was installed"
            raise ValueError(message)
        folder = self.home / number
        shutil.rmtree(folder, ignore_errors=True)
        draft.rename(folder)
        return Version(number=number, folder=folder)

    def use(self, version: Version) -> None:
        """Have new children use a version, and remember the one before."""
        before = self._linked(_CURRENT) or self.bundled()
        self._link(_PREVIOUS, before)
        self._link(_CURRENT, version)

    def _linked(self, name: str) -> Version | None:
        try:
            target = (self.home / name).readlink().name
        except OSError:
            return None
        if target == self.bundled().number and not (self.home / target).is_dir():
            return self.bundled()
        folder = self.home / target
        return Version(number=target, folder=folder) if folder.is_dir() else None

    def _link(self, name: str, version: Version) -> None:
        draft = self.home / f".{name}"
        draft.unlink(missing_ok=True)
        draft.symlink_to(version.number)
        draft.rename(self.home / name)


def import_path(version: Version) -> list[str]:
    """Return what is put before Python's own path so that this version is imported."""
    return [] if version.folder is None else [str(version.folder)]
