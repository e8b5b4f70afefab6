"""The supervisor: keeps the parts running, and ends them in order."""

import contextlib
import json
import signal
import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from runtime import logs
from vasset import children
from vasset.children import Part
from vasset.faults import AWAY

_log = logs.get("vasset.supervisor")

_TICK_S = 0.05
_KILL_TIMEOUT_S = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Pauses:
    """How long a part that died waits for its next start, in seconds."""

    first_s: float = 0.5
    longest_s: float = 30.0
    good_life_s: float = 60.0

    def after(self, deaths: int) -> float:
        """Return the pause after so many deaths in a row; 1 or more."""
        return min(self.first_s * 2 ** min(deaths - 1, 30), self.longest_s)


@dataclass(slots=True)
class _Watched:
    """A part, its process, and its history."""

    part: Part
    process: "subprocess.Popen[bytes]"
    started_at: float
    deaths: int = 0
    faults: int = 0
    next_start: float | None = None


@dataclass(slots=True)
class Supervisor:
    """Single-threaded: nothing happens but in ``tend`` and ``stop``.

    Attributes:
        clock: Seconds that only grow.
    """

    pauses: Pauses = field(default_factory=Pauses)
    clock: Callable[[], float] = time.monotonic
    _watched: dict[str, _Watched] = field(default_factory=dict[str, _Watched], init=False)

    def add(self, part: Part) -> None:
        """Start a part and keep it running from now on."""
        self._watched[part.name] = _Watched(part, children.start(part), self.clock())

    def pids(self) -> set[int]:
        """Return the ids of the processes that run now."""
        return {w.process.pid for w in self._watched.values() if w.next_start is None}

    def faults(self, name: str) -> int:
        """Return how often in a row a part died young, not counting lack of the database."""
        return self._watched[name].faults

    def tend(self) -> None:
        """See to what died since the last call, and start what has paused for long enough."""
        for watched in self._watched.values():
            if watched.next_start is None:
                if children.is_dead(watched.process):
                    self._bury(watched)
            elif self.clock() >= watched.next_start:
                watched.process = children.start(watched.part)
                watched.started_at = self.clock()
                watched.next_start = None

    def stop(
        self, names: Sequence[str], grace_s: float, in_a_hurry: Callable[[], bool] = lambda: False
    ) -> None:
        """End parts together: asked first, killed with all of their group when the grace is over.

        Args:
            names: A name that was never added is passed over.
            in_a_hurry: Ends the grace early.
        """
        going = [self._watched.pop(name) for name in names if name in self._watched]
        going = [watched for watched in going if watched.next_start is None]
        for watched in going:
            children.send(watched.process, watched.part.stop_signal)
        begun = self.clock()
        while not all(children.is_dead(w.process) for w in going):
            if self.clock() > begun + grace_s or in_a_hurry():
                break
            time.sleep(_TICK_S)
        for watched in going:
            if not children.is_dead(watched.process):
                after_s = round(self.clock() - begun, 1)
                _log.warning("killed", name=watched.part.name, after_s=after_s)
            children.kill_group(watched.process)
        for watched in going:
            # What hangs in the kernel cannot be waited for; the others still must end.
            with contextlib.suppress(subprocess.TimeoutExpired):
                watched.process.wait(_KILL_TIMEOUT_S)

    def _bury(self, watched: _Watched) -> None:
        """Reap a dead part with its whole group, and set its next start."""
        children.kill_group(watched.process)
        status = watched.process.wait()
        lived = self.clock() - watched.started_at
        was_young = lived < self.pauses.good_life_s
        watched.deaths = watched.deaths + 1 if was_young else 1
        watched.faults = (watched.faults if was_young else 0) + (status != AWAY)
        pause = self.pauses.after(watched.deaths)
        watched.next_start = self.clock() + pause
        _log.error(
            "ended",
            name=watched.part.name,
            ended_by=signal.Signals(-status).name if status < 0 else f"exit status {status}",
            last_words=last_line(watched.part.log),
            next_start_in_s=pause,
            to_do=f"nothing if it comes back; else read {watched.part.log}",
        )


def last_line(log: Path, limit: int = 300) -> str:
    """Return the last line of a log, cut to ``limit`` characters; empty if there is none.

    Of a line that is an event, only its name.
    """
    try:
        with log.open("rb") as stream:
            stream.seek(max(stream.seek(0, 2) - 8192, 0))
            lines = stream.read().decode(errors="replace").split("\n")
    except OSError:
        return ""
    line = next((line.strip() for line in reversed(lines) if line.strip()), "")
    return _event_of(line)[:limit]


def _event_of(line: str) -> str:
    try:
        event: Any = json.loads(line)
        return str(event["event"])
    except (ValueError, TypeError, KeyError):
        return line
