"""A provider of proxies: what acquire_proxy asks for one, and gives it back to."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol
from urllib.parse import urlsplit

from domain.download import ProxyLease
from domain.failures import ProxyUnavailableError

SCHEMES = ("http", "https", "socks5", "socks5h")
MAX_ADDRESS_LENGTH = 1_024
_WEB_PORTS = (80, 443)
_FIRST_USER_PORT = 1_024

BAD_ANSWER = "bad_answer"


@dataclass(frozen=True, slots=True, kw_only=True)
class Need:
    """For what a proxy is wanted.

    Attributes:
        site: The name under which the limits know the address.
        cooling: The names of exits that failed lately and are left alone.
        poor: Those that fail more often than not, taken only when there is no other.
    """

    history_id: int
    site: str
    cooling: frozenset[str] = frozenset()
    poor: frozenset[str] = frozenset()


class Provider(Protocol):
    """Gives a proxy for one download."""

    async def acquire(self, need: Need) -> ProxyLease:
        """Return a lease for this download.

        Raises:
            ProxyUnavailableError: None could be had in time.
        """
        ...

    def standing(self, exit_name: str) -> ProxyLease | None:
        """Return the lease of an exit that nobody rents out; None if only a kept lease leads there.

        It is the same at any time, so it need not be kept from one stage to the next.
        """
        ...

    async def release(self, lease: ProxyLease, history_id: int) -> None:
        """Give a lease back.

        Raises:
            ProxyUnavailableError: The provider did not hear of it; its own end will do.
        """
        ...

    async def drain(self) -> None:
        """Wait until every request has its answer, and what nobody uses of them is given back."""
        ...

    async def close(self) -> None:
        """Break off what is under way, and close what is open."""
        ...


_DIRECT = ProxyLease(url=None, exit_name="direct")


class Direct:
    """The provider ``none``: downloads go out from this machine's own address."""

    async def acquire(self, need: Need) -> ProxyLease:
        """Return the lease that means: no proxy."""
        del need
        return _DIRECT

    def standing(self, exit_name: str) -> ProxyLease | None:
        """Return the lease that means: no proxy."""
        return _DIRECT if exit_name == _DIRECT.exit_name else None

    async def release(self, lease: ProxyLease, history_id: int) -> None:
        """Do nothing."""

    async def drain(self) -> None:
        """Do nothing."""

    async def close(self) -> None:
        """Do nothing."""


def parse_address(address: str, *, lifetime: timedelta | None = None) -> ProxyLease:
    """Return the lease for ``scheme://user:password@host:port``; the credentials may be absent.

    Raises:
        ProxyUnavailableError: It is no address of a proxy. The text never repeats it.

    Source: reliability row PX-4.
    """
    fault = ProxyUnavailableError(
        "The provider answered with something that is not a proxy.", reason=BAD_ANSWER
    )
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
    return ProxyLease(url=address.rstrip("/"), exit_name=f"{host}:{port}", lifetime=lifetime)


def is_port_of_a_proxy(port: int) -> bool:
    """Whether a stranger's proxy may be at a port: not where mail, names or shells are."""
    return port in _WEB_PORTS or port >= _FIRST_USER_PORT
