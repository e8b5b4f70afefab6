"""How many connections to a source one fetch has at once, and how long it waits between tries."""

import threading
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager

FIRST_WAIT_S = 0.5
LONGEST_WAIT_S = 8.0
_LEAST_SHARE = 0.5


def retry_wait(tries: int, jitter: float) -> float:
    """Return the seconds before the next try: twice as long each time, and never nothing.

    Args:
        tries: How many have failed, 1 or more.
        jitter: 0.0 to 1.0; the caller draws it.
    """
    bound = min(LONGEST_WAIT_S, FIRST_WAIT_S * 2.0 ** min(tries - 1, 10))
    return bound * (_LEAST_SHARE + (1 - _LEAST_SHARE) * jitter)


class Connections:
    """Hands out the connections of one fetch to its threads.

    A source that refuses one of several gets one at a time from then on.
    """

    def __init__(self, sleep: Callable[[float], None] = time.sleep) -> None:
        self._sleep = sleep
        self._may_open = threading.Condition()
        self._in_use = 0
        self._is_narrow = False
        self._own = threading.local()

    @contextmanager
    def one(self) -> Generator[None]:
        """Hold a connection; wait for it if only one is allowed and another thread has it."""
        self._take()
        try:
            yield
        finally:
            self._give_back()

    def narrow(self) -> None:
        """Allow only one from now on."""
        with self._may_open:
            self._is_narrow = True

    def wait(self, seconds: float) -> None:
        """Sleep, lending this thread's connection, if it has one, to others."""
        if not getattr(self._own, "has_one", False):
            self._sleep(seconds)
            return
        self._give_back()
        try:
            self._sleep(seconds)
        finally:
            self._take()

    def _take(self) -> None:
        with self._may_open:
            self._may_open.wait_for(lambda: not (self._is_narrow and self._in_use))
            self._in_use += 1
        self._own.has_one = True

    def _give_back(self) -> None:
        self._own.has_one = False
        with self._may_open:
            self._in_use -= 1
            self._may_open.notify_all()
