"""Admission: who may be sent a file now, over all web processes of the node."""

import asyncio
import secrets
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from http import HTTPStatus
from time import monotonic

from runtime import logs
from storage.deliveries import Outcome
from storage.redis_door import RedisFault
from storage.slots import MAX_STREAMS, SlotLimits, Slots, Stream, Verdict
from web.errands import end
from web.problems import Code, ProblemError

PATIENCE_S = 1.0
TRY_EVERY_S = 0.1
RENEW_EVERY_S = 10.0
REDIS_TIMEOUT_S = 0.5
AWAY_S = 5.0
"""For so long Redis is left alone when it did not answer; the process counts alone."""

_log = logs.get("web.delivery.admission")


class RefusedError(ProblemError):
    """There is no slot: 429 if the user's own are taken, 503 if all are.

    Attributes:
        outcome: Which of the limits it was.
    """

    def __init__(self, verdict: Verdict) -> None:
        status, detail, self.outcome = _REFUSALS[verdict]
        super().__init__(status, Code.TOO_MANY_TRANSFERS, detail)


_REFUSALS = {
    Verdict.NODE_FULL: (
        HTTPStatus.SERVICE_UNAVAILABLE,
        "Too many files are being sent; try again soon.",
        Outcome.NODE_FULL,
    ),
    Verdict.USER_FULL: (
        HTTPStatus.TOO_MANY_REQUESTS,
        "Too many files are being sent to you; let one end first.",
        Outcome.USER_FULL,
    ),
    Verdict.SLOT_FULL: (
        HTTPStatus.TOO_MANY_REQUESTS,
        f"This file is being sent to you by {MAX_STREAMS} connections already.",
        Outcome.SLOT_FULL,
    ),
}


class Admission:
    """Lets streams in and out; counts them alone while Redis is away."""

    def __init__(self, slots: Slots, limits: SlotLimits) -> None:
        self._slots = slots
        self._limits = limits
        self._streams: dict[tuple[int, str], set[Stream]] = {}
        self._away_until = 0.0

    @property
    def active(self) -> int:
        """Return how many streams this process sends."""
        return sum(len(streams) for streams in self._streams.values())

    async def enter(self, user_id: int, content: str) -> Stream:
        """Return a stream that may begin, to be given back by ``leave``; waits a second at most.

        Args:
            content: What is sent; several streams of one user with the same share a slot.

        Raises:
            RefusedError: No slot became free.
        """
        stream = Stream(user_id, content, secrets.token_hex(8))
        end_at = monotonic() + PATIENCE_S
        while (verdict := await self._try(stream)) is not Verdict.ENTERED:
            if monotonic() >= end_at:
                raise RefusedError(verdict)
            await asyncio.sleep(TRY_EVERY_S)
        return stream

    async def leave(self, stream: Stream) -> None:
        """End a stream; one that Redis does not hear of ends there with its lease."""
        self._forget(stream)
        if monotonic() >= self._away_until:
            with suppress(*RedisFault, TimeoutError):
                async with asyncio.timeout(REDIS_TIMEOUT_S):
                    await self._slots.leave(stream)

    @asynccontextmanager
    async def kept_up(self) -> AsyncGenerator[None]:
        """Renew the leases of what is being sent, meanwhile."""
        keeping = asyncio.create_task(self._keep_up())
        try:
            yield
        finally:
            await end([keeping])

    async def _try(self, stream: Stream) -> Verdict:
        verdict = self._judge(stream)
        if verdict is not Verdict.ENTERED:
            return verdict
        # Before Redis is asked, so that two that ask at once cannot both be let in here.
        self._streams.setdefault((stream.user_id, stream.content), set()).add(stream)
        is_in = False
        try:
            verdict = await self._ask(stream)
            is_in = verdict is Verdict.ENTERED
        except asyncio.CancelledError:
            # Redis may have let it in all the same, or will when it comes to read.
            await self.leave(stream)
            raise
        finally:
            if not is_in:
                self._forget(stream)
        return verdict

    async def _ask(self, stream: Stream) -> Verdict:
        """Return what Redis says, and while it is away what this process says."""
        if monotonic() < self._away_until:
            return Verdict.ENTERED
        try:
            async with asyncio.timeout(REDIS_TIMEOUT_S):
                return await self._slots.enter(stream, self._limits)
        except (*RedisFault, TimeoutError) as error:
            self._away_until = monotonic() + AWAY_S
            _log.warning(
                "slots_counted_alone",
                error=type(error).__name__,
                advice="check Redis; until it is back each web process counts its own transfers",
            )
            return Verdict.ENTERED

    def _judge(self, stream: Stream) -> Verdict:
        """Return what the streams of this process alone say; the rules of storage/slots.py."""
        held = self._streams.get((stream.user_id, stream.content))
        if held is not None:
            return Verdict.SLOT_FULL if len(held) >= MAX_STREAMS else Verdict.ENTERED
        if sum(user_id == stream.user_id for user_id, _ in self._streams) >= self._limits.per_user:
            return Verdict.USER_FULL
        is_full = len(self._streams) >= self._limits.per_node
        return Verdict.NODE_FULL if is_full else Verdict.ENTERED

    def _forget(self, stream: Stream) -> None:
        slot = (stream.user_id, stream.content)
        streams = self._streams.get(slot, set())
        streams.discard(stream)
        if not streams:
            self._streams.pop(slot, None)

    async def _keep_up(self) -> None:
        while True:
            await asyncio.sleep(RENEW_EVERY_S)
            streams = [stream for slot in self._streams.values() for stream in slot]
            with suppress(*RedisFault):
                await self._slots.renew(streams)
                # Who left meanwhile may have been given a new lease by this.
                for stream in streams:
                    if stream not in self._streams.get((stream.user_id, stream.content), ()):
                        await self._slots.leave(stream)
