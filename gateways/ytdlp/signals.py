"""How a child ends by a signal."""

import os
import signal
from types import FrameType

from domain.failures import TooLargeError

EXIT_FAILED = 1
"""The child's exit code after a report of failure."""


def heed() -> None:
    """Go at once when told to, and say so when the processor time is used up."""
    # The first process of a list takes no signal that it has not asked for.
    signal.signal(signal.SIGTERM, _leave)
    signal.signal(signal.SIGXCPU, _be_exhausted)


def _leave(_number: int, _frame: FrameType | None) -> None:
    os._exit(EXIT_FAILED)


def _be_exhausted(_number: int, _frame: FrameType | None) -> None:
    raise TooLargeError
