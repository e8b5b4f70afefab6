"""The files of this node: staging, the manifest, the atomic move, deletion, free space."""

import os
import shutil
from collections.abc import Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol
from uuid import UUID

from domain.failures import CorruptError
from domain.states import Mode
from storage.removal import remove_tree

MARKER = ".vasset-node"
STAGING = ".staging"


class RootMissingError(Exception):
    """The storage root is not there, or belongs to another node: nothing may be judged by it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """How full the file system of the root is; bytes."""

    total_bytes: int
    free_bytes: int

    @property
    def used_ratio(self) -> float:
        """Return the share in use, 0.0 to 1.0."""
        return 1 - self.free_bytes / self.total_bytes


class HasIds(Protocol):
    """What the path of an asset is computed from; a download has it."""

    @property
    def history_id(self) -> int: ...  # noqa: D102 - as in Download
    @property
    def user_id(self) -> int: ...  # noqa: D102
    @property
    def mode(self) -> Mode: ...  # noqa: D102
    @property
    def asset_uuid(self) -> UUID: ...  # noqa: D102
    @property
    def created_at(self) -> datetime: ...  # noqa: D102


class Files:
    """The storage root of one node. Every call blocks: run it in a thread.

    Paths are computed from the row's ids alone and an asset has no extension, so that no text
    of a site or a client ever names a file. Source: the contract, section 5.
    """

    def __init__(self, root: Path, *, node: str) -> None:
        self._root = root
        self._node = node

    @property
    def root(self) -> Path:
        """Return the folder under which everything stands."""
        return self._root

    def prepare_root(self, *, may_mark: bool = True) -> None:
        """Create the folders and the marker of this node if the root is new.

        Args:
            may_mark: False for a node that has worked before: its root cannot be new.

        Raises:
            RootMissingError: The marker is another node's, or may not be made; then nothing is.
        """
        marker = self._root / MARKER
        if not may_mark and not marker.exists():
            message = (
                f"{self._root} has no marker of node {self._node}, which has worked before: mount "
                f"its disk there, or run `vasset node adopt {self._node}` if the root is new"
            )
            raise RootMissingError(message)
        for folder in (
            self._root,
            self._root / STAGING,
            self._root / "tmp",
            self._root / "archive",
        ):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not marker.exists():
            _write_durably(marker, self._node.encode())
        self.check_root()

    def check_root(self) -> None:
        """Do nothing if the root is this node's.

        Raises:
            RootMissingError: The disk is not mounted, or is another node's.
        """
        try:
            owner = (self._root / MARKER).read_text(encoding="utf-8")
        except OSError as error:
            message = f"{self._root} has no marker: is its disk mounted?"
            raise RootMissingError(message) from error
        if owner != self._node:
            message = f"{self._root} belongs to node {owner}, this is {self._node}"
            raise RootMissingError(message)

    def usage(self) -> Usage:
        """Return how full the disk is."""
        usage = shutil.disk_usage(self._root)
        return Usage(total_bytes=usage.total, free_bytes=usage.free)

    def staging(self, history_id: int, attempt: int) -> Path:
        """Return where an attempt puts its files; it may not exist."""
        return self._root / STAGING / f"{history_id}.{attempt}"

    def fresh_staging(self, history_id: int, attempt: int) -> Path:
        """Return the staging folder of an attempt, empty."""
        folder = self.staging(history_id, attempt)
        remove_tree(folder)
        folder.mkdir(mode=0o700)
        return folder

    def clear_staging(self, history_id: int, attempt: int) -> None:
        """Remove the staging folder of an attempt, if there is one."""
        remove_tree(self.staging(history_id, attempt))

    def staged(self) -> list[tuple[int, int]]:
        """Return the (history_id, attempt) of every staging folder."""
        names = [folder.name.split(".") for folder in (self._root / STAGING).iterdir()]
        return [(int(name[0]), int(name[1])) for name in names if _is_staging(name)]

    def path(
        self, history_id: int, user_id: int, mode: Mode, asset_uuid: UUID, created_at: datetime
    ) -> Path:
        """Return where the asset of a download stands, or will stand."""
        if mode is Mode.QUICK:
            return self._root / "tmp" / str(asset_uuid) / str(history_id)
        day = created_at.astimezone(UTC).strftime("%Y%m%d")
        return self._root / "archive" / str(user_id) / day / str(history_id)

    def path_of(self, asset: HasIds) -> Path:
        """Return where the asset of a download stands, or will stand."""
        return self.path(
            asset.history_id, asset.user_id, asset.mode, asset.asset_uuid, asset.created_at
        )

    def flush(self, staged: Path) -> None:
        """Bring a staged file's bytes to the disk; nothing if it was moved already."""
        if staged.exists():
            _sync(staged)

    def place(self, staged: Path, final: Path, *, size_bytes: int) -> int:
        """Move a staged file to its final place so that it survives a power cut; its inode.

        A file that already stands there with the right size was moved by this download's
        earlier run, whose commit did not arrive; nothing else ever writes there.

        Raises:
            CorruptError: Neither place holds a file of this size.
        """
        if not staged.exists():
            if not final.is_file() or final.stat().st_size != size_bytes:
                raise CorruptError
            return final.stat().st_ino
        if staged.stat().st_size != size_bytes:
            raise CorruptError
        # File, then rename, then folders: a rename is atomic but only fsync makes it durable.
        _sync(staged)
        _make_durable_folder(final.parent)
        staged.chmod(0o600)
        staged.rename(final)
        _sync(final.parent)
        return final.stat().st_ino

    def delete(self, asset: Path) -> None:
        """Remove an asset by the path computed from its ids; one that is gone is a success.

        No link is followed, neither as the file nor as a folder on the way.

        Raises:
            RootMissingError: The disk is away, so "gone" would mean nothing.
            OSError: It could not be removed, or a link stands on the way.
        """
        self.check_root()
        *folders, name = asset.relative_to(self._root).parts
        with suppress(FileNotFoundError), ExitStack() as opened:
            above, folder = self._walk(folders, opened)
            with suppress(FileNotFoundError):
                os.unlink(name, dir_fd=folder)
            if folders[0] == "tmp":
                # Each quick download has a folder of its own; what else lies there stays.
                with suppress(OSError):
                    os.rmdir(folders[-1], dir_fd=above)

    def open(self, asset: Path) -> int:
        """Return a descriptor of an asset, to be read and closed; no link is followed.

        Raises:
            RootMissingError: The disk is away, so "gone" would mean nothing.
            FileNotFoundError: It is gone.
            OSError: It cannot be opened, or a link stands on the way.
        """
        self.check_root()
        *folders, name = asset.relative_to(self._root).parts
        with ExitStack() as opened:
            _, folder = self._walk(folders, opened)
            # O_NONBLOCK: a pipe that somebody put there must not hold a thread for ever.
            return os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=folder)

    def _walk(self, folders: Sequence[str], opened: ExitStack) -> tuple[int, int]:
        """Return the last two folders on the way, open until ``opened`` ends."""
        above = folder = _open_folder(self._root, None, opened)
        for part in folders:
            above, folder = folder, _open_folder(Path(part), folder, opened)
        return above, folder


def _is_staging(name: list[str]) -> bool:
    return len(name) == 2 and all(part.isascii() and part.isdigit() for part in name)  # noqa: PLR2004


def _open_folder(name: Path, above: int | None, opened: ExitStack) -> int:
    """Open a folder that is no link and return its descriptor, closed with ``opened``."""
    descriptor = os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=above)
    opened.callback(os.close, descriptor)
    return descriptor


def _make_durable_folder(folder: Path) -> None:
    """Create a folder, syncing the parent of each one newly made."""
    if folder.exists():
        return
    _make_durable_folder(folder.parent)
    folder.mkdir(mode=0o700, exist_ok=True)
    _sync(folder.parent)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _write_durably(path: Path, content: bytes) -> None:
    """Write a small file so that it is there whole or not at all."""
    draft = path.with_name(f"{path.name}.new")
    draft.write_bytes(content)
    _sync(draft)
    draft.rename(path)
    _sync(path.parent)
