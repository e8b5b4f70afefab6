"""The settings: what an administrator may decide. How they are read: settings_layers.py."""

import re
import socket
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, SecretStr

from domain.quotas import MAX_AMOUNT
from domain.twins import Share
from storage.db import Pooler

MIN_SECRET_BYTES = 32
"""Source: RFC 7518, section 3.2: a key as long as the hash of HS256."""

Ratio = Annotated[float, Field(gt=0, le=1)]
Count = Annotated[int, Field(ge=1)]
Seconds = Annotated[int, Field(ge=1)]
Limit = Annotated[int, Field(ge=0)]
Amount = Annotated[int, Field(ge=0, le=MAX_AMOUNT)]
Port = Annotated[int, Field(ge=0, le=65_535)]
Network = IPv4Network | IPv6Network
NodeName = Annotated[
    str,
    # The name stands in queue names, where dots and the endings .DQ and .XQ have a meaning.
    BeforeValidator(lambda name: name or socket.gethostname().replace(".", "-").lower()),
    Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,62}$"),
]


# It goes into headers, cookies and the page as it is.
_PATH = re.compile(r"(/[A-Za-z0-9._~-]+)*/?", re.ASCII)


def _checked_url(url: str) -> str:
    """Return the URL of one of our servers without a trailing slash; it may be empty.

    Raises:
        ValueError: No client could reach a server by it.
    """
    if not url:
        return url
    parts = urlsplit(url)
    # Raises ValueError for a port that is no number.
    _ = parts.port
    is_plain = _PATH.fullmatch(parts.path) is not None and url.isascii() and " " not in url
    odd = parts.username or parts.query or parts.fragment or not is_plain
    if parts.scheme not in ("http", "https") or not parts.hostname or odd:
        message = "is not the URL of a server, such as https://vasset.example or with a path"
        raise ValueError(message)
    if is_wildcard(parts.hostname):
        message = f"{parts.hostname} is an address to listen on, not one that clients can open"
        raise ValueError(message)
    return url.rstrip("/")


ServerUrl = Annotated[str, AfterValidator(_checked_url)]


def is_wildcard(host: str) -> bool:
    """Return whether a host means every address of this machine."""
    return host in ("", "0.0.0.0", "::")  # noqa: S104 - it is recognised, not listened on


def origin_of(url: str) -> str:
    """Return the origin of a URL as a browser writes it: without a path or the usual port."""
    parts = urlsplit(url.lower())
    usual = {"http": ":80", "https": ":443"}.get(parts.scheme, "")
    host = parts.netloc.removesuffix(usual) if usual else parts.netloc
    return f"{parts.scheme}://{host}"


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Server(_Section):
    """Where the web process listens and what it believes."""

    host: str
    port: Port
    public_url: ServerUrl
    trusted_proxies: tuple[Network, ...]
    trusted_origins: tuple[ServerUrl, ...]
    cors_origins: tuple[ServerUrl, ...]
    keep_alive_s: Seconds
    metrics_port: Port
    metrics_host: str

    @property
    def has_side_door(self) -> bool:
        """Whether the metrics have a port of their own."""
        return self.metrics_port not in (0, self.port)

    @property
    def base_path(self) -> str:
        """The path under which clients find everything; empty, or without a slash at its end."""
        return urlsplit(self.public_url).path


class Service(_Section):
    """A service of ours, by its address; secret because a password may stand in it."""

    url: SecretStr


class Database(Service):
    """The database, the pooler in front of it, and how long the API waits for it."""

    pooler: Pooler
    timeout_s: Seconds


class Storage(_Section):
    """This node and its disk."""

    root: Path
    node: NodeName
    node_url: ServerUrl
    warn_ratio: Ratio
    stop_ratio: Ratio
    scrub_every_d: Limit
    scrub_bytes_per_s: Count


class Backoff(_Section):
    """Bounds of the wait before the next attempt, in seconds."""

    min: Annotated[float, Field(ge=0)]
    max: Annotated[float, Field(gt=0)]


class Downloads(_Section):
    """How much is fetched at once, and when an attempt is given up."""

    slots: Count
    per_user_active: Count
    newcomer_slots: Limit
    per_user_submits: Limit
    per_site_active: Count
    per_site_starts: Limit
    site_cooldown_s: Seconds
    max_attempts: Count
    backoff_s: Backoff
    stall_timeout_s: Seconds
    time_limit_s: Seconds
    live_limit_s: Seconds
    max_bytes: Count
    expected_bytes: Count
    max_playlist_entries: Count
    connections: Count
    quick_ttl_h: Count
    share: Share
    parse_slots: Count
    parse_per_user: Count
    parse_timeout_s: Annotated[int, Field(ge=2)]
    parse_cache_s: Seconds


class Proxy(_Section):
    """Where the proxies come from."""

    provider: Literal["none", "list", "http"]
    endpoint: str
    api_key: SecretStr
    key_in: str
    answer: str
    lifetime: str
    release: str
    cost: Annotated[float, Field(ge=0)]
    timeout_s: Seconds
    starts: Limit
    patience_s: Limit
    cooldown_s: Seconds
    sticky_sites: tuple[str, ...]
    list: tuple[SecretStr, ...]


class Delivery(_Section):
    """How files leave this node."""

    max_concurrent: Count
    per_user_concurrent: Count
    per_user_bytes_per_s: Limit
    total_bytes_per_s: Limit
    min_bytes_per_s: Limit
    patience_s: Seconds
    ticket_ttl_s: Seconds
    ticket_idle_s: Seconds
    ticket_max_s: Limit
    relay: bool
    offload: Literal["none", "x-accel"]


class Auth(_Section):
    """Tokens, registration and login limits."""

    secret: SecretStr
    access_ttl_s: Seconds
    refresh_ttl_s: Seconds
    registration: Literal["open", "closed"]
    login_attempts_per_account: Count
    login_attempts_per_address: Count
    registrations_per_address: Count


class Quota(_Section):
    """What a user without limits of their own may use."""

    daily_downloads: Amount
    archive_bytes: Amount
    active_downloads: Amount
    reserve_bytes: Annotated[int, Field(ge=1, le=MAX_AMOUNT)]


class Egress(_Section):
    """What a download may reach."""

    allow_private: tuple[Network, ...]
    ports: tuple[Port, ...]
    deny_hosts: tuple[str, ...]
    sandbox: Literal["require", "prefer", "off"]


class Log(_Section):
    """How the log looks."""

    format: Literal["auto", "json", "people"]
    level: Literal["debug", "info", "warning", "error"]


class Audit(_Section):
    """How long the audit trail is kept."""

    keep_d: Count


class Settings(_Section):
    """All settings; build them with ``settings_layers.load``."""

    server: Server
    database: Database
    redis: Service
    broker: Service
    storage: Storage
    downloads: Downloads
    proxy: Proxy
    delivery: Delivery
    auth: Auth
    quota: Quota
    egress: Egress
    log: Log
    audit: Audit
