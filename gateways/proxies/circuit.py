"""The circuit breaker of a provider: who fails again and again is left alone for a while."""

from collections.abc import Callable
from datetime import timedelta

from domain.download import ProxyLease
from domain.failures import ProxyUnavailableError
from gateways.proxies.provider import Need, Provider

FAILURES_TO_OPEN = 5
OPEN_FOR = timedelta(seconds=60)
TRIAL_PATIENCE = timedelta(seconds=2)
"""What the others wait while one tries whether the provider works again."""


class Circuit:
    """A provider that is asked only while it seems to work.

    After five failures in a row, or when it asks for a pause, nobody asks until the pause is over;
    then one does, and the rest wait for what comes of it.

    Args:
        clock: Seconds that only grow.
    """

    def __init__(self, provider: Provider, clock: Callable[[], float]) -> None:
        self._provider = provider
        self._clock = clock
        self._failures = 0
        self._open_until = float("-inf")
        self._is_tried = False

    async def acquire(self, need: Need) -> ProxyLease:
        """Return what the provider gives.

        Raises:
            ProxyUnavailableError: It gave none, or nobody may ask; ``retry_after`` says how long.
        """
        left = self._open_until - self._clock()
        if left > 0:
            raise _shut(timedelta(seconds=left))
        is_trial = self._failures >= FAILURES_TO_OPEN
        if is_trial and self._is_tried:
            raise _shut(TRIAL_PATIENCE)
        self._is_tried = is_trial
        try:
            lease = await self._provider.acquire(need)
        except ProxyUnavailableError as error:
            self._count(error)
            raise
        finally:
            self._is_tried = self._is_tried and not is_trial
        self._failures = 0
        return lease

    def standing(self, exit_name: str) -> ProxyLease | None:
        """Return what the provider does."""
        return self._provider.standing(exit_name)

    async def release(self, lease: ProxyLease, history_id: int) -> None:
        """Give a lease back; that it fails says nothing of the next one."""
        await self._provider.release(lease, history_id)

    async def drain(self) -> None:
        """Wait for what the provider still answers."""
        await self._provider.drain()

    async def close(self) -> None:
        """Close what is open."""
        await self._provider.close()

    def _count(self, error: ProxyUnavailableError) -> None:
        """Count a failure, and open if it is one too many; the error then says for how long."""
        self._failures += 1
        if error.retry_after is not None:
            self._failures = max(self._failures, FAILURES_TO_OPEN)
        elif self._failures >= FAILURES_TO_OPEN:
            error.retry_after = OPEN_FOR
        if error.retry_after is not None:
            self._open_until = self._clock() + error.retry_after.total_seconds()


def _shut(wait: timedelta) -> ProxyUnavailableError:
    message = "The proxy provider failed again and again; it is left alone for a while."
    return ProxyUnavailableError(message, retry_after=wait, reason="circuit_open")
