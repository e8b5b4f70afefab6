"""A queue in which a flood from one network does not hold up the others."""

import asyncio
from collections import OrderedDict, deque
from dataclasses import dataclass

Turn = asyncio.Future[None]


class QueueFullError(Exception):
    """Too many wait already, and none of them has to make room."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Where a request comes from.

    Attributes:
        network: Requests of one network share its turns.
        is_known: Whether the account was used from there before; known networks go first.
    """

    network: str
    is_known: bool = False


class FairQueue:
    """Lets a few in at once; of those that wait, known networks first and each network in turn.

    A flood from one network fills the queue, so one who comes from a network with fewer waiting
    takes the place of the newest of the largest; a known network takes that of any other.

    Args:
        at_once: How many are let in at the same time.
        waiting: How many may wait altogether.
    """

    def __init__(self, *, at_once: int, waiting: int) -> None:
        self._free = at_once
        self._most = waiting
        self._waiting: OrderedDict[Origin, deque[Turn]] = OrderedDict()

    async def enter(self, origin: Origin) -> None:
        """Wait for a turn; ``leave`` ends it.

        Raises:
            QueueFullError: There is no place to wait, or another took it.
        """
        if self._free > 0:
            self._free -= 1
            return
        if sum(map(len, self._waiting.values())) >= self._most:
            self._make_place(origin)
        turn: Turn = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(origin, deque()).append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if _is_given(turn):
                self.leave()
            else:
                self._remove(origin, turn)
            raise

    def leave(self) -> None:
        """Pass the turn to the longest waiting request of the next network, if any waits."""
        if not self._waiting:
            self._free += 1
            return
        # A network that had its turn goes to the end, so the first known one comes next.
        origin = next((one for one in self._waiting if one.is_known), next(iter(self._waiting)))
        turn = self._waiting[origin][0]
        self._remove(origin, turn)
        if origin in self._waiting:
            self._waiting.move_to_end(origin)
        turn.set_result(None)

    def _make_place(self, origin: Origin) -> None:
        """Send away the newest of the network that has the most waiting.

        Raises:
            QueueFullError: None has more than this one would have.
        """
        strangers = [one for one in self._waiting if not one.is_known]
        rivals = strangers or (list(self._waiting) if origin.is_known else [])
        if not rivals:
            raise QueueFullError
        largest = max(rivals, key=lambda one: len(self._waiting[one]))
        goes_first = origin.is_known and not largest.is_known
        mine = len(self._waiting.get(origin, ()))
        if not goes_first and len(self._waiting[largest]) <= mine + 1:
            raise QueueFullError
        turn = self._waiting[largest][-1]
        self._remove(largest, turn)
        turn.set_exception(QueueFullError())

    def _remove(self, origin: Origin, turn: Turn) -> None:
        waiting = self._waiting.get(origin)
        if waiting is None or turn not in waiting:
            return
        waiting.remove(turn)
        if not waiting:
            del self._waiting[origin]


def _is_given(turn: Turn) -> bool:
    return turn.done() and not turn.cancelled() and turn.exception() is None
