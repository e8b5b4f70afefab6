"""A look into a fetched file with ffmpeg, from inside a child without any net."""

import os
import re
import subprocess
from pathlib import Path

from domain.failures import CorruptError
from gateways.ytdlp.protocol import Inspected

# As for the fetch, with the old formats that need no merging; no format that names other files.
_FORMATS = "mov,matroska,mpegts,mp3,aac,flac,ogg,wav,flv,avi,asf,mpeg,mpegvideo,amr"
_KEPT_BYTES = 64 * 1024

_STRICT = frozenset({"3gp", "m4a", "m4v", "mka", "mkv", "mov", "mp4", "weba", "webm"})
"""Extensions of containers that state their length and where each packet stands."""

_STATED = re.compile(rb"^  Duration: (\d+):(\d\d):(\d\d\.\d+)", re.MULTILINE)
_FOUND = re.compile(rb"^out_time_us=(\d+)", re.MULTILINE)


def inspect(ffmpeg: Path, file: Path) -> Inspected:
    """Return how long a file says it is and how long it is, having read all of it.

    Nothing is decoded: sound and picture are taken apart and thrown away.

    Raises:
        CorruptError: It holds neither sound nor picture in a format that is allowed.
    """
    # The first packet that is damaged or missing ends it, where a container knows what it holds.
    strict = ("-xerror",) if file.suffix[1:] in _STRICT else ()
    command = [
        *(str(ffmpeg), "-nostdin", "-hide_banner", "-nostats", *strict),
        *("-protocol_whitelist", "file", "-format_whitelist", _FORMATS, "-i", f"file:{file}"),
        *("-map", "0:v?", "-map", "0:a?", "-c", "copy", "-f", "null"),
        *("-progress", "pipe:1", "-stats_period", "60", "-"),
    ]
    with subprocess.Popen(  # noqa: S603 - fixed program, a name of our own
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    ) as program:
        said = _bounded(program)
    found = _FOUND.findall(said)
    if program.returncode != 0 or not found or int(found[-1]) == 0:
        raise CorruptError
    # Elsewhere the length is a guess from the bit rate.
    stated = _STATED.search(said) if strict else None
    return Inspected(stated_s=stated and _seconds(stated), found_s=int(found[-1]) / 1e6)


def _bounded(program: "subprocess.Popen[bytes]") -> bytes:
    """Return the beginning and the end of what a program says, however much it says."""
    assert program.stdout is not None  # noqa: S101 - it was asked for
    said, beginning, ending = program.stdout.fileno(), b"", b""
    while piece := os.read(said, _KEPT_BYTES):
        if len(beginning) < _KEPT_BYTES:
            beginning += piece
        else:
            ending = (ending + piece)[-_KEPT_BYTES:]
    return beginning + b"\n" + ending


def _seconds(stated: re.Match[bytes]) -> float:
    hours, minutes, seconds = (float(part) for part in stated.groups())
    return 3600 * hours + 60 * minutes + seconds
