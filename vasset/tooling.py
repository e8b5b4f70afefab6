"""The doctor's look at the programs that downloads need."""

import subprocess
import time
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path

from gateways.ytdlp.versions import Versions, YtdlpTooOldError
from runtime import tools
from vasset.findings import Finding, well, wrong

_TIMEOUT_S = 10
_OLD_DAYS = 90


def ffmpeg() -> Finding:
    """Return whether ffmpeg can be run; it joins picture and sound."""
    return _program("ffmpeg", tools.find_ffmpeg(), "-version", "apt-get install ffmpeg")


def js_runtime() -> Finding:
    """Return whether deno can be run; YouTube needs it."""
    return _program("JS runtime", tools.find_js_runtime(), "--version", "pip install deno")


def ytdlp(root: Path) -> Finding:
    """Return whether the yt-dlp that new children use is sound, and how old it is.

    Args:
        root: The storage root, where versions beside the bundled one lie.
    """
    remedy = "pip install 'yt-dlp[default]'"
    try:
        version, scripts = Versions(root).current(), metadata.version("yt-dlp-ejs")
    except metadata.PackageNotFoundError as error:
        return wrong("yt-dlp", f"{error.name} is not installed", remedy)
    except YtdlpTooOldError as error:
        return wrong("yt-dlp", *str(error).split(": ", 1))
    text = f"{version.number}, with yt-dlp-ejs {scripts}"
    days = _age_days(version.number)
    if days > _OLD_DAYS:
        # Told, but no fault: it still has no known hole, and may fetch all that is asked of it.
        return well("yt-dlp", f"{text}, {days} days old; sites change: vasset ytdlp upgrade")
    return well("yt-dlp", text)


def _age_days(number: str) -> int:
    """Return how old a version is; its number is the day on which it came out."""
    year, month, day = (int(part) for part in number.split(".")[:3])
    return int((time.time() - datetime(year, month, day, tzinfo=UTC).timestamp()) // 86_400)


def _program(part: str, program: Path | None, option: str, remedy: str) -> Finding:
    if program is None:
        return wrong(part, "not found", remedy)
    try:
        done = subprocess.run(  # noqa: S603 - a program that downloads run as well
            [program, option], capture_output=True, text=True, timeout=_TIMEOUT_S, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return wrong(part, f"{program} does not run ({type(error).__name__})", remedy)
    if done.returncode != 0 or not done.stdout:
        return wrong(part, f"{program} ends with status {done.returncode}", remedy)
    words = done.stdout.splitlines()[0].split()
    # "deno 2.9.8 ...", "ffmpeg version n9.0.2 Copyright (c) 2000-2026 ...".
    version = next((word for word in words[1:] if word != "version"), "of unknown version")
    return well(part, f"{words[0]} {version}, {program}")
