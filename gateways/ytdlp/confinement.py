"""How a forked child shuts itself in, before it meets anything from outside."""

import os
import subprocess
from dataclasses import dataclass
from functools import partialmethod
from pathlib import Path

from gateways.ytdlp import cage, namespaces, seccomp, walls
from gateways.ytdlp.options import HOME, FetchLimits, Tools
from gateways.ytdlp.sandbox import Level

_NOWHERE = Path("/nonexistent")
_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def silence() -> None:
    """Point standard input, output and error to nowhere: what sites say goes into no log."""
    nowhere = os.open(os.devnull, os.O_RDWR)
    for standard in (0, 1, 2):
        os.dup2(nowhere, standard)
    os.close(nowhere)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outside:
    """What a child may reach beside its folder.

    Attributes:
        port: Of its door.
        programs: What it may start.
    """

    port: int
    programs: tuple[Path, ...]


def programs(tools: Tools) -> tuple[Path, ...]:
    """Return the programs that a fetch may start."""
    beside = tools.ffmpeg and tools.ffmpeg.with_name("ffprobe")
    wanted = (tools.ffmpeg, beside, tools.js_runtime)
    return tuple(program for program in wanted if program is not None and program.exists())


def shut_in(
    limits: FetchLimits, folder: Path | None, level: Level, outside: Outside | None = None
) -> None:
    """Leave the process nothing but its folder, its limits and a bare environment.

    Args:
        folder: None for none at all.
        outside: None for a look without any net or program, which also changes nothing.
    """
    os.chdir(folder or "/")
    os.umask(0o077)
    writes = folder is not None and outside is not None
    home = (folder or _NOWHERE) / HOME
    if writes:
        home.mkdir()
    _bare_environment(home)
    # Every program that yt-dlp starts dies with this process, even if it is killed.
    constrained = partialmethod(subprocess.Popen.__init__, preexec_fn=cage.for_program())
    # The overloads cannot say that a default was added.
    subprocess.Popen.__init__ = constrained  # pyright: ignore[reportAttributeAccessIssue]
    cage.lower_limits(max_bytes=limits.max_bytes, time_limit=limits.time_limit)
    if level is Level.FULL:
        cage.bound_processes()
    if level is Level.FULL or (level is Level.LANDLOCK and os.geteuid() == 0):
        namespaces.drop_capabilities()
    cage.forbid_new_privileges()
    if level is not Level.NONE:
        walls.raise_walls(
            folder,
            programs=() if outside is None else outside.programs,
            port=None if outside is None else outside.port,
            writes=writes,
        )
        seccomp.forbid_calls()


def _bare_environment(home: Path) -> None:
    environment = os.environ  # noqa: TID251 - emptied, so that yt-dlp and ffmpeg find nothing
    environment.clear()
    environment.update(
        PATH=_PATH,
        LANG="C.UTF-8",
        HOME=str(home),
        TMPDIR=str(home),
        DENO_DIR=str(home),
        YTDLP_NO_PLUGINS="1",
    )
