"""What a command may end with: one line for the person, never a traceback."""

import sys
import traceback
from types import TracebackType

AWAY = 75
"""The exit status of a part that could not reach the database; a later start may succeed.

Source: sysexits.h, ``EX_TEMPFAIL``.
"""


class CommandError(Exception):
    """The command cannot go on; the text says why and how to mend it, in one line."""


def say(fault: str) -> None:
    """Write one line to standard error."""
    sys.stderr.write(f"vasset: {' '.join(fault.split())}\n")


def explain(error: Exception) -> str:
    """Return one line for an error of the rooms below, with what may be done about it."""
    if type(error).__name__ == "DatabaseError":
        return f"the database does not answer ({error}): is it, or `vasset up`, running?"
    return str(error) or type(error).__name__


def say_unforeseen(
    kind: type[BaseException], error: BaseException, trace: TracebackType | None
) -> None:
    """Stand in for ``sys.excepthook``: an error that nobody foresaw, and where, in one line."""
    last = traceback.extract_tb(trace)[-1:]
    place = f" (at {last[0].filename}:{last[0].lineno})" if last else ""
    say(f"unforeseen {kind.__name__}: {error}{place}")
