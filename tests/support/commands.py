"""Our commands, as a person runs them."""

import os
import subprocess
import sys


def vasset(*arguments: str, said: str = "", **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a command to its end, of a fleet unless told otherwise, and return what it said."""
    fleet = {"VASSET_DATABASE__URL": "postgresql://nobody@127.0.0.1:1/nothing"}
    return subprocess.run(  # noqa: S603 - our own program
        [sys.executable, "-m", "vasset.main", *arguments],
        env={**os.environ, **fleet, **environment},  # noqa: TID251 - it needs PATH
        capture_output=True,
        text=True,
        input=said,
        check=False,
        timeout=120,
    )
