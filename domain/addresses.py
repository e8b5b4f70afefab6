"""Which addresses a download may reach: one judgement, for the submit now and for the gate."""

import re
import unicodedata
from dataclasses import dataclass
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
    ip_network,
)
from urllib.parse import urlsplit

from domain.failures import ForbiddenAddressError

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

# Neither is_global nor is_private is a policy: the standard library's tables of some versions
# call multicast, NAT64 and cloud metadata global. Source: reliability 6.3 and M21.
DENIED_IPV4 = tuple(
    IPv4Network(text)
    for text in (
        *("0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16"),
        *("172.16.0.0/12", "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16"),
        *("198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4"),
        "168.63.129.16/32",
    )
)
ALLOWED_IPV6 = IPv6Network("2000::/3")
DENIED_IPV6 = tuple(
    IPv6Network(text) for text in ("2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20")
)
LOCAL_NAMES = re.compile(r"^(localhost|.*\.localhost|metadata\.google\.internal)$")
LOOPBACK = ip_network("127.0.0.0/8")

_NUMBER = re.compile(r"^(0[xX][0-9a-fA-F]*|[0-9]+)$")


def is_public(address: Address) -> bool:
    """Whether an address belongs to the open Internet, and every address hidden in it too."""
    if isinstance(address, IPv4Address):
        return address.is_global and not any(address in network for network in DENIED_IPV4)
    # NAT64, mapped and compatible addresses lie outside the one network that is allowed.
    return address in ALLOWED_IPV6 and not any(address in network for network in DENIED_IPV6)


def literal(host: str) -> Address | None:
    """Return the address that a host spells, in any form that a resolver takes; None for a name.

    Understood are the forms of ``inet_aton`` (decimal, octal, hexadecimal, fewer than four
    parts), full-width and circled digits, ideographic full stops, a closing dot, and IPv6 with a
    zone. Source: reliability rows UR-2 to UR-5, measured as M4.
    """
    plain = unicodedata.normalize("NFKC", host).replace("\u3002", ".").rstrip(".")
    if ":" in plain:
        try:
            return ip_address(plain.partition("%")[0])
        except ValueError:
            return None
    parts = plain.split(".")
    if not 1 <= len(parts) <= 4 or not all(_NUMBER.match(part) for part in parts):  # noqa: PLR2004
        return None
    return _from_numbers(parts)


@dataclass(frozen=True, slots=True, kw_only=True)
class AddressPolicy:
    """The administrator's exceptions to "only the open Internet".

    Attributes:
        allow_private: Networks that may be reached although they are private, on any port.
        ports: What may be reached elsewhere.
        deny_hosts: Names that may never be reached, without their subdomains.
    """

    allow_private: tuple[Network, ...]
    ports: tuple[int, ...]
    deny_hosts: tuple[str, ...]

    def opens(self, address: Address) -> bool:
        """Whether the administrator has opened the network of an address, on any port."""
        return any(address in network for network in self.allow_private)

    def allows(self, address: Address, port: int) -> bool:
        """Whether a connection may be made."""
        return self.opens(address) or (is_public(address) and port in self.ports)

    def check_url(self, url: str) -> None:
        """Do nothing if an address, as it is written, may be reached.

        What a name leads to is not known here; that is judged when it is resolved.

        Args:
            url: Has passed ``domain.requests.check_url``.

        Raises:
            ForbiddenAddressError: It may not; the text is the same whatever the reason.
        """
        parts = urlsplit(url)
        port = parts.port or {"http": 80, "https": 443}[parts.scheme]
        if not self.allows_host(parts.hostname or "", port):
            raise ForbiddenAddressError

    def allows_host(self, host: str, port: int) -> bool:
        """Whether a host may be reached, as far as its spelling tells."""
        spelled = literal(host)
        if spelled is not None:
            return self.allows(spelled, port)
        return self._allows_name(host.casefold().rstrip("."), port)

    def _allows_name(self, host: str, port: int) -> bool:
        if host in {name.casefold() for name in self.deny_hosts}:
            return False
        if LOCAL_NAMES.match(host):
            return LOOPBACK in self.allow_private
        if "." not in host:
            # A bare name is a machine beside us: "postgres", "redis".
            return bool(self.allow_private)
        # A name may lie in a private network that is open on any port.
        return port in self.ports or bool(self.allow_private)


def _from_numbers(parts: list[str]) -> IPv4Address | None:
    """Return the address of ``inet_aton``'s one to four numbers; an impossible one is 0.0.0.0.

    Impossible ones are taken for an address that is never public, and not for a name: some
    resolver may read them otherwise than we do.
    """
    *leading, last = (_number(part) for part in parts)
    if any(number > 255 for number in leading) or last >= 256 ** (4 - len(leading)):  # noqa: PLR2004
        return IPv4Address(0)
    value = last
    for place, number in enumerate(leading):
        value |= number << (24 - 8 * place)
    return IPv4Address(value)


def _number(text: str) -> int:
    if text[:2] in ("0x", "0X"):
        return int(text[2:] or "0", 16)
    is_octal = text.startswith("0") and all(digit in "01234567" for digit in text)
    return int(text, 8 if is_octal else 10)
