"""The judge: which addresses a name leads to, and whether they may be reached."""

import asyncio
import socket
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from functools import partial
from ipaddress import ip_address

from domain.addresses import Address, AddressPolicy, is_public, literal
from domain.failures import ForbiddenAddressError, SourceTroubleError

RESOLVE_TIMEOUT_S = 10.0

# Threads of their own: a name server that never answers must not hold those for files.
_LOOKUPS = ThreadPoolExecutor(32, thread_name_prefix="lookup")

Resolve = Callable[[str], Awaitable[Sequence[Address]]]
"""Returns every address of a name, or raises OSError if it has none."""


async def resolve(host: str, lookups: Executor = _LOOKUPS) -> Sequence[Address]:
    """Return every address that this machine's resolver knows for a name.

    Args:
        lookups: Whose threads wait for the name server.

    Raises:
        OSError: It knows none.
    """
    asked = partial(socket.getaddrinfo, host, None, type=socket.SOCK_STREAM)
    found = await asyncio.get_running_loop().run_in_executor(lookups, asked)
    # A zone stands behind a link-local address; without it the address is judged the same.
    return [ip_address(str(place[0]).partition("%")[0]) for *_, place in found]


class Judge:
    """Turns a host into addresses that may be connected to; nothing is looked up twice.

    Args:
        resolve: Asked once for each connection, so that what was judged is what is reached.
    """

    def __init__(self, policy: AddressPolicy, resolve: Resolve = resolve) -> None:
        self._policy = policy
        self._resolve = resolve

    async def pin(self, host: str, port: int) -> Sequence[Address]:
        """Return the addresses of a host, IPv4 first, all of which may be reached.

        Raises:
            ForbiddenAddressError: The name or any single one of its addresses may not.
            SourceTroubleError: The name leads nowhere.
        """
        if not self._policy.allows_host(host, port):
            raise ForbiddenAddressError
        addresses = await self.addresses(host)
        if not all(self._is_allowed(address, port) for address in addresses):
            raise ForbiddenAddressError
        return sorted(addresses, key=lambda address: address.version)

    async def addresses(self, host: str) -> Sequence[Address]:
        """Return the addresses of a host, unjudged.

        Raises:
            SourceTroubleError: It has none.
        """
        spelled = literal(host)
        if spelled is not None:
            return [spelled]
        try:
            async with asyncio.timeout(RESOLVE_TIMEOUT_S):
                addresses = await self._resolve(host)
        except (OSError, TimeoutError, UnicodeError) as error:
            raise SourceTroubleError from error
        if not addresses:
            raise SourceTroubleError
        return addresses

    def opens(self, address: Address) -> bool:
        """Whether the administrator has opened the network of an address, on any port."""
        return self._policy.opens(address)

    def is_allowed_proxy(self, address: Address) -> bool:
        """Whether a proxy that a stranger named may stand there, on any port."""
        return self._policy.opens(address) or (is_public(address) and not is_own(address))

    def _is_allowed(self, address: Address, port: int) -> bool:
        if not self._policy.allows(address, port):
            return False
        # This machine's own public addresses lead to what listens here.
        return self._policy.opens(address) or not is_own(address)


def is_own(address: Address) -> bool:
    """Whether an address is one of this machine's: a socket bound for it starts from itself."""
    family = socket.AF_INET if address.version == 4 else socket.AF_INET6  # noqa: PLR2004 - IPv4
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as probe:
            # No packet leaves: a datagram socket only looks up its route.
            probe.connect((str(address), 9))
            return str(probe.getsockname()[0]) == str(address)
    except OSError:
        return False
