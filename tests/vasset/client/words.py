"""What the tests of the client say again and again."""

import hashlib
import subprocess
from pathlib import Path

from tests.support.terminal import Shell


def get(shell: Shell, *words: str) -> list[str]:
    """Return the words of a `get` into the shell's folder for videos."""
    return ["get", *words, "-o", str(shell.videos)]


def md5(file: Path) -> str:
    """Return the MD5 of a file in hex."""
    return hashlib.md5(file.read_bytes(), usedforsecurity=False).hexdigest()


def fetched_by(process: "subprocess.Popen[str]") -> str:
    """Return the id of the download that is being fetched, once it is."""
    assert process.stderr is not None
    return next(line for line in process.stderr if ": fetch" in line).partition(":")[0]
