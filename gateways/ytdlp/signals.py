"""How a child ends by a signal."""

import os
import signal
from types import FrameType

from domain.failures import TooLargeError

EXIT_FAILED = 1
"""The child's exit code after a report of failure."""


_wishes = {"finish": False}


def is_finish_wished() -> bool:
    """Whether this process was asked to end its recording with what there is."""
    return _wishes["finish"]


def heed() -> None:
    """Go at once when told to, and say so when the processor time is used up."""
    # The first process of a list takes no signal that it has not asked for.
    signal.signal(signal.SIGTERM, _leave)
    signal.signal(signal.SIGXCPU, _be_exhausted)
    # A flag and no more: what is in the middle of a segment must finish it.
    signal.signal(signal.SIGUSR1, _wish_finish)


def _leave(_number: int, _frame: FrameType | None) -> None:
    os._exit(EXIT_FAILED)


def _wish_finish(_number: int, _frame: FrameType | None) -> None:
    _wishes["finish"] = True


def _be_exhausted(_number: int, _frame: FrameType | None) -> None:
    raise TooLargeError
