"""What happens during a `get`, as boards show it; with ``--json`` these are the lines."""

from dataclasses import dataclass
from typing import Protocol

from domain.characters import safe_text


@dataclass(frozen=True, slots=True, kw_only=True)
class Accepted:
    """The server took an address, or was found to have taken it before."""

    history_id: int
    url: str
    title: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """An address is a list of several videos; ``wanted`` is how many of them are asked for.

    With an id, it is the download that found this out; its record has been deleted.
    """

    history_id: int | None
    url: str
    title: str
    entries: int
    truncated: bool
    wanted: int
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """The server is so far with its own download; None means unknown."""

    history_id: int
    status: str
    stage: str
    percent: float | None
    downloaded_bytes: int | None
    total_bytes: int | None
    speed_bps: float | None
    eta_s: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Saving:
    """So much of the file has arrived here."""

    history_id: int
    arrived_bytes: int
    size_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Saved:
    """The file is here, and its MD5 is right.

    Attributes:
        warnings: What is missing beside the video, or in doubt, each in words.
    """

    history_id: int
    url: str
    path: str
    size_bytes: int
    md5: str
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Failed:
    """A file will not come; without an id the address was not even accepted."""

    history_id: int | None
    url: str
    code: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """The server cannot do it now and is asked again after so long."""

    message: str
    seconds: float


Event = Accepted | Listed | Progress | Saving | Saved | Failed | Waiting


class Board(Protocol):
    """Where a person or a program sees what happens."""

    def show(self, event: Event) -> None:
        """Show one event."""
        ...

    async def agrees(self, question: str) -> bool | None:
        """Return the person's answer; None if there is no one to ask."""
        ...


def printable(text: str) -> str:
    """Return a text without what could steer a terminal: titles and errors come from strangers."""
    return safe_text(text, instead=" ")
