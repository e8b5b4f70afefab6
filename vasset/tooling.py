"""The doctor's look at the programs that downloads need."""

import subprocess
from importlib import metadata
from pathlib import Path

from runtime import tools
from vasset.findings import Finding, well, wrong

_TIMEOUT_S = 10


def ffmpeg() -> Finding:
    """Return whether ffmpeg can be run; it joins picture and sound."""
    return _program("ffmpeg", tools.find_ffmpeg(), "-version", "apt-get install ffmpeg")


def js_runtime() -> Finding:
    """Return whether deno can be run; YouTube needs it."""
    return _program("JS runtime", tools.find_js_runtime(), "--version", "pip install deno")


def ytdlp() -> Finding:
    """Return whether yt-dlp and its scripts for sites are installed."""
    remedy = "pip install 'yt-dlp[default]'"
    try:
        version, scripts = metadata.version("yt-dlp"), metadata.version("yt-dlp-ejs")
    except metadata.PackageNotFoundError as error:
        return wrong("yt-dlp", f"{error.name} is not installed", remedy)
    return well("yt-dlp", f"{version}, with yt-dlp-ejs {scripts}")


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
    version = next((word for word in words if word[0].isdigit()), "of unknown version")
    return well(part, f"{program.name} {version}, {program}")
