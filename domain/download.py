"""The values that cross rooms: a download, what was fetched, how far it is."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from uuid import UUID

from domain.failures import FailureCode
from domain.requests import Wish
from domain.states import Mode, Stage, Status
from domain.warnings import DownloadWarning


@dataclass(frozen=True, slots=True, kw_only=True)
class Download:
    """A download as its holder sees it: enough to do a stage's work.

    Attributes:
        asset_uuid: Names the folder of a quick download; drawn once, at submit.
        epoch: The fencing number; only a write that carries it may change the row.
        attempt: Which attempt this is, 1 or more.
        tries: How many times this stage was claimed within the attempt, 1 or more.
        crashes: How many holders in a row died while they held it; a suspect if any.
        lone_crashes: How many of these held nothing else; its own doing.
        proxy_faults: How many proxies in a row failed it; they cost it no attempt.
        proxy_failing: For how long already.
        exit_name: Of its latest proxy, or None.
        last_code: How the attempt before this one ended; None if it is the first.
        linked_from: The twin whose file it takes instead of fetching one, or None.
        created_at: When it was submitted, UTC; its day names the archive's folder.
        title: As the site gave it, cleaned; None before the fetch.
        extension: Of the fetched file, from the allow-list; None before the fetch.
        expected_bytes: About how large its file is, as far as anybody knows; what it reserves.
        digest: None before the checksum.
    """

    history_id: int
    user_id: int
    asset_uuid: UUID
    created_at: datetime
    mode: Mode
    wish: Wish
    status: Status
    stage: Stage
    epoch: int
    attempt: int
    tries: int
    crashes: int
    lone_crashes: int
    proxy_faults: int
    proxy_failing: timedelta
    exit_name: str | None
    linked_from: int | None
    title: str | None
    extension: str | None
    expected_bytes: int
    digest: "Digest | None"
    last_code: FailureCode | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ProxyLease:
    """A proxy rented for one download.

    Attributes:
        url: ``scheme://user:password@host:port``, or None to go direct. A secret.
        exit_name: Host and port without the credentials, for logs and people.
        is_own: The administrator named it, so it may stand at a private address.
        lifetime: How long the provider lets it work, or None if it did not say.
        is_sticky: Kept for the site, so no single download gives it back.
        request_id: Names the request that rented it, for its release; empty if nobody rents it.
    """

    url: str | None
    exit_name: str
    is_own: bool = False
    lifetime: timedelta | None = None
    is_sticky: bool = False
    request_id: str = ""

    def __repr__(self) -> str:
        return f"ProxyLease({self.exit_name})"


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far a fetch is; None means unknown, never 0.

    Attributes:
        percent: 0 to 100, never falling within an attempt.
        speed_bps: Bytes a second.
        eta_s: Seconds left.
    """

    downloaded_bytes: int
    total_bytes: int | None = None
    percent: float | None = None
    speed_bps: float | None = None
    eta_s: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FetchedMedia:
    """What a fetch left in its staging folder, and what the site said about it.

    Attributes:
        path: The one finished file, inside the staging folder.
        extension: Without a dot, from the allow-list in gateways/ytdlp/kinds.py.
        title: The site's text, cleaned of control characters; may be empty.
        md5: Of a file that is linked, whose digest is known; None: it is to be read.
        warnings: What is missing beside the video, or in doubt.
    """

    path: Path
    size_bytes: int
    extension: str
    title: str
    extractor: str
    webpage_url: str | None
    thumbnail: str | None
    duration_s: float | None
    md5: str | None = None
    warnings: tuple[DownloadWarning, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Digest:
    """The MD5 of a file in hex, and the bytes that were read for it."""

    md5: str
    size_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class User:
    """An account as the rest of the house sees it."""

    user_id: int
    email: str
    nickname: str | None
    role: str
    token_version: int
    created_at: datetime
