"""A provider of proxies: what acquire_proxy asks for one."""

from typing import Protocol
from urllib.parse import urlsplit

from domain.download import ProxyLease
from domain.failures import ProxyUnavailableError

SCHEMES = ("http", "https", "socks5", "socks5h")
MAX_ADDRESS_LENGTH = 1_024


class Provider(Protocol):
    """Gives a proxy for one download."""

    async def acquire(self, history_id: int) -> ProxyLease:
        """Return a lease for this download.

        Raises:
            ProxyUnavailableError: None could be had in time.
        """
        ...

    async def close(self) -> None:
        """Close what is open."""
        ...


class Direct:
    """The provider ``none``: downloads go out from this machine's own address."""

    async def acquire(self, history_id: int) -> ProxyLease:
        """Return the lease that means: no proxy."""
        del history_id
        return ProxyLease(url=None, exit_name="direct")

    async def close(self) -> None:
        """Do nothing."""


def parse_address(address: str) -> ProxyLease:
    """Return the lease for ``scheme://user:password@host:port``; the credentials may be absent.

    Raises:
        ProxyUnavailableError: It is no address of a proxy. The text never repeats it.

    Source: reliability row PX-4.
    """
    fault = ProxyUnavailableError("The provider answered with something that is not a proxy.")
    if len(address) > MAX_ADDRESS_LENGTH or any(c <= " " or c == "\x7f" for c in address):
        raise fault
    try:
        parts = urlsplit(address)
        host, port = parts.hostname, parts.port
    except ValueError:
        raise fault from None
    if parts.scheme not in SCHEMES or not host or not port or parts.path not in ("", "/"):
        raise fault
    if parts.query or parts.fragment:
        raise fault
    return ProxyLease(url=address.rstrip("/"), exit_name=f"{host}:{port}")
