"""The database's address as libpq writes it: one host or several, and what is asked of them."""

from dataclasses import dataclass, field
from urllib.parse import parse_qsl, unquote, urlencode, urlsplit

_OPTIONS_OF_THE_POOL = ("min_size", "max_size")


@dataclass(frozen=True, slots=True, kw_only=True)
class Host:
    """One server that may have the database.

    Attributes:
        name: A host name, an IP address or a folder of Unix sockets.
        port: None for the driver's default.
    """

    name: str
    port: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class DatabaseUrl:
    """An address, taken apart.

    Attributes:
        hosts: In the order in which they are tried; empty for the driver's own.
        dsn: What is left for the driver, without hosts, user or password: the database and its
            options, such as ``sslmode`` and ``target_session_attrs``.
        pool: ``min_size`` and ``max_size``, as far as the address has them.
        is_tls: The option ``ssl`` if it is ``true`` or ``false``, which libpq does not know.
    """

    hosts: tuple[Host, ...]
    user: str | None
    password: str | None = field(repr=False)
    dsn: str
    pool: dict[str, int]
    is_tls: bool | None


class UnreadableUrlError(ValueError):
    """The address cannot be parsed; the message omits it, because it may hold a password."""

    def __init__(self) -> None:
        super().__init__("database.url cannot be read: is every port a number?")


def parse(url: str) -> DatabaseUrl:
    """Return the parts of an address.

    Raises:
        UnreadableUrlError: A port is not a number.
    """
    try:
        return _parse(url)
    except ValueError:
        # Its text, and what it came from, might hold the password.
        raise UnreadableUrlError from None


def _parse(url: str) -> DatabaseUrl:
    parts = urlsplit(url)
    userinfo, _, netloc = parts.netloc.rpartition("@")
    user, _, password = userinfo.partition(":")
    options = dict(parse_qsl(parts.query))
    pool = {key: int(options.pop(key)) for key in _OPTIONS_OF_THE_POOL if key in options}
    hosts = _hosts(netloc, options)
    ssl = options.pop("ssl", "").lower()
    is_tls = {"true": True, "false": False}.get(ssl)
    if ssl and is_tls is None:
        options["sslmode"] = ssl
    return DatabaseUrl(
        hosts=hosts,
        user=unquote(user) or None,
        password=unquote(password) or None,
        dsn=f"postgresql://{parts.path}" + (f"?{urlencode(options)}" if options else ""),
        pool=pool,
        is_tls=is_tls,
    )


def _hosts(netloc: str, options: dict[str, str]) -> tuple[Host, ...]:
    """Return the hosts, of the options if there is none before the path; takes those out."""
    elsewhere = options.pop("host", "") or options.pop("unix_sock", "")
    ports: list[int | None] = [int(port) for port in options.pop("port", "").split(",") if port]
    ports = ports or [None]
    names = (unquote(netloc) or elsewhere).split(",")
    return tuple(
        _host(name, ports[min(number, len(ports) - 1)]) for number, name in enumerate(names) if name
    )


def _host(text: str, port: int | None) -> Host:
    if text.startswith("/"):
        return Host(name=text, port=port)
    name, colon, own = text.rpartition(":")
    # Of an IPv6 address only what follows the bracket is a port.
    if colon and not own.endswith("]"):
        return Host(name=name.strip("[]"), port=int(own) if own else port)
    return Host(name=text.strip("[]"), port=port)
