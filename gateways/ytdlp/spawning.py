"""How the fork server is started."""

import os
import subprocess
import sys

from gateways.ytdlp.sandbox import Sandbox
from gateways.ytdlp.versions import Version, import_path
from gateways.ytdlp.walls import ROOT

_ENVIRONMENT = {"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8", "YTDLP_NO_PLUGINS": "1"}

# -I keeps the current folder and PYTHON* variables out of the import path, and with them this
# very package when it is not installed: so its root is given, last.
# The version of yt-dlp comes first; it may be another than the one beside us.
PROGRAM = (
    "import sys; sys.path.append(sys.argv.pop(1)); sys.path[:0] = sys.argv[5:];"
    " from gateways.ytdlp.server import main; main()"
)


def spawn(
    program: str, control: int, spare_children: int, sandbox: Sandbox, version: Version | None
) -> subprocess.Popen[bytes]:
    """Start the server from this very thread.

    Its parent-death signal follows the thread: the one of the event loop lives as long as the
    worker, one of a pool would not.
    """
    runner = os.pidfd_open(os.getpid())
    try:
        arguments = [str(ROOT), str(control), str(runner), str(spare_children), sandbox.value]
        arguments += [] if version is None else import_path(version)
        return subprocess.Popen(  # noqa: S603 - fixed program, no text from outside
            [sys.executable, "-I", "-c", program, *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            env=_ENVIRONMENT,
            cwd="/",
            pass_fds=[control, runner],
        )
    finally:
        os.close(runner)
