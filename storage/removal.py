"""Removing a folder that a child may have filled to do us harm."""

import os
import shutil
import stat
from contextlib import suppress
from itertools import count
from pathlib import Path


def remove_tree(folder: Path) -> None:
    """Remove a folder with all that is in it, however deep; nothing if there is none.

    No link is followed. Folders in folders are first lifted to the top, because neither a path nor
    a recursion reaches ten thousand of them. What cannot be removed stays for the next sweep.
    """
    with suppress(OSError):
        top = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
        try:
            _flatten(top)
        finally:
            os.close(top)
    shutil.rmtree(folder, ignore_errors=True)


def _flatten(top: int) -> None:
    """Leave no folder in a folder below this one, and no file in any."""
    names = count()
    waiting = _folders(top)
    while waiting:
        name = waiting.pop()
        inner = os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=top)
        try:
            for child in _folders(inner):
                lifted = f"{next(names)}.lifted"
                os.rename(child, lifted, src_dir_fd=inner, dst_dir_fd=top)
                waiting.append(lifted)
            for file in os.listdir(inner):  # noqa: PTH208 - by descriptor
                os.unlink(file, dir_fd=inner)
        finally:
            os.close(inner)
        os.rmdir(name, dir_fd=top)


def _folders(descriptor: int) -> list[str]:
    """Return the names of the folders in a folder, links to folders left out."""
    return [
        name
        for name in os.listdir(descriptor)
        if stat.S_ISDIR(os.stat(name, dir_fd=descriptor, follow_symlinks=False).st_mode)
    ]
