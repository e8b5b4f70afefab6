"""The program with a crash point: ``python -m tests.proof.crashing worker``.

``VASSET_CRASH=before|after:module:Name.method[:n]`` has the process kill itself when it reaches
that function for the n-th time, or freeze with ``VASSET_CRASH_BY=SIGSTOP``. The hook is laid around
the function from here, so the program that is installed holds nothing that could end it.
"""

import functools
import importlib
import inspect
import os
import signal
import threading
from collections.abc import Callable
from typing import Any


class Point:
    """One crash point, counting how often it is reached."""

    def __init__(self, text: str, by: signal.Signals = signal.SIGKILL) -> None:
        """Read ``before|after:module:Name.method[:n]``."""
        self._by = by
        self.when, self.module, self.name, *times = text.split(":")
        self._left = int(times[0]) if times else 1

    def reach(self, when: str) -> None:
        """Die or freeze if it is time."""
        if when == self.when:
            self._left -= 1
            if self._left == 0:
                # This very thread: another might be stopped first, and this one take a step more.
                signal.pthread_kill(threading.get_ident(), self._by)

    def lay(self) -> None:
        """Lay the point around its function."""
        owner: Any = importlib.import_module(self.module)
        *path, last = self.name.split(".")
        for part in path:
            owner = getattr(owner, part)
        setattr(owner, last, self._around(getattr(owner, last)))

    def _around(self, function: Callable[..., Any]) -> Callable[..., Any]:
        if inspect.iscoroutinefunction(function):

            @functools.wraps(function)
            async def later(*args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - any function
                self.reach("before")
                result = await function(*args, **kwargs)
                self.reach("after")
                return result

            return later

        @functools.wraps(function)
        def now(*args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - any function
            self.reach("before")
            result = function(*args, **kwargs)
            self.reach("after")
            return result

        return now


if __name__ == "__main__":
    # Taken out of the environment: the settings refuse what they do not know.
    environment = os.environ  # noqa: TID251 - before any setting is read
    by = signal.Signals[environment.pop("VASSET_CRASH_BY", "SIGKILL")]
    Point(environment.pop("VASSET_CRASH"), by).lay()
    importlib.import_module("vasset.main").run()
