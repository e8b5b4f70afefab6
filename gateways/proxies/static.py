"""The provider ``list``: the administrator's own proxies, taken in turn."""

import itertools
from collections.abc import Sequence
from dataclasses import replace

from domain.download import ProxyLease
from gateways.proxies.provider import parse_address


class StaticList:
    """Gives the proxies of a list one after the other."""

    def __init__(self, addresses: Sequence[str]) -> None:
        """Check every address now, so that a wrong one stops the start.

        Raises:
            ProxyUnavailableError: One of them is no address of a proxy.
            ValueError: The list is empty.
        """
        if not addresses:
            message = "proxy.list is empty although proxy.provider is 'list'"
            raise ValueError(message)
        self._turn = itertools.cycle(
            [replace(parse_address(address), is_own=True) for address in addresses]
        )

    async def acquire(self, history_id: int) -> ProxyLease:
        """Return the next proxy of the list."""
        del history_id
        return next(self._turn)

    async def close(self) -> None:
        """Do nothing."""
