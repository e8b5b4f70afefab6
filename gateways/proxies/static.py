"""The provider ``list``: the administrator's own proxies, taken in turn."""

from collections.abc import Sequence
from dataclasses import replace

from domain.download import ProxyLease
from domain.failures import ProxyUnavailableError
from gateways.proxies.provider import Need, parse_address


class StaticList:
    """Gives the proxies of a list one after the other, those that failed lately left out."""

    def __init__(self, addresses: Sequence[str]) -> None:
        """Check every address now, so that a wrong one stops the start.

        Raises:
            ProxyUnavailableError: One of them is no address of a proxy.
            ValueError: The list is empty.
        """
        if not addresses:
            message = "proxy.list is empty although proxy.provider is 'list'"
            raise ValueError(message)
        self._waiting = [replace(parse_address(address), is_own=True) for address in addresses]

    async def acquire(self, need: Need) -> ProxyLease:
        """Return the next proxy of the list.

        Raises:
            ProxyUnavailableError: All of them cool down.
        """
        usable = [lease for lease in self._waiting if lease.exit_name not in need.cooling]
        # A stable sort: the good ones first, each in its turn.
        for lease in sorted(usable, key=lambda one: one.exit_name in need.poor):
            self._waiting.remove(lease)
            self._waiting.append(lease)
            return lease
        message = "Every proxy of the list failed lately."
        raise ProxyUnavailableError(message, reason="exits_cooling")

    def standing(self, exit_name: str) -> ProxyLease | None:
        """Return the proxy of the list with this name, or None."""
        return next((lease for lease in self._waiting if lease.exit_name == exit_name), None)

    async def release(self, lease: ProxyLease, history_id: int) -> None:
        """Do nothing."""

    async def drain(self) -> None:
        """Do nothing."""

    async def close(self) -> None:
        """Do nothing."""
