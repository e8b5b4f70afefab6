"""What a server answers, as far as the client reads it.

Not the shapes of `web`: those bring the database's library along, and a newer server may say more.
"""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from domain.states import Status

ENDED_WELL = frozenset((Status.COMPLETED, Status.PENDING_CLEANUP))


class Shown(BaseModel):
    """Something that a server sent; what is not known of it is passed over."""

    model_config = ConfigDict(extra="ignore", frozen=True)


class Failure(Shown):
    """Why something failed; as a problem its text is called ``detail``."""

    code: str = "internal"
    message: str = ""
    detail: str = ""

    @property
    def text(self) -> str:
        """Return the words for a person."""
        return self.message or self.detail or self.code


class Caution(Shown):
    """What is missing beside a finished video, or in doubt."""

    code: str = ""
    message: str = ""


class Waiting(Shown):
    """What a download waits for."""

    reason: str
    until: datetime | None = None

    @property
    def text(self) -> str:
        """Return it in words, with the time of day here at which it is over."""
        until = self.until and f" until {self.until.astimezone():%H:%M}"
        return self.reason.replace("_", " ") + (until or "")


class Download(Shown):
    """A download as it stands."""

    history_id: int
    url: str
    title: str | None = None
    mode: str = ""
    status: str
    status_code: Status
    stage: str = ""
    file_name: str | None = None
    file_size: Annotated[int, Field(ge=0)] | None = None
    # It becomes a part of a file's name here.
    file_hash: Annotated[str, Field(pattern=r"^[0-9a-f]{32}$")] | None = None
    error: Failure | None = None
    warnings: list[Caution] = []
    waiting: Waiting | None = None
    created_at: str = ""


class Entry(Shown):
    """One video of a list; with an ``entry`` it is one of several at its address."""

    index: int = 0
    title: str = ""
    url: str
    entry: dict[str, int | str] | None = None


class Parsed(Shown):
    """What is at an address; a video has no entries."""

    title: str = ""
    entries: list[Entry] | None = None
    truncated: bool = False


class Refused(Shown):
    """An address that was not accepted, and why."""

    url: str
    error: Failure


class Submitted(Shown):
    """What became of each address, in the order given."""

    downloads: list[Download | Refused]


class Page(Shown):
    """A page of the history."""

    items: list[dict[str, object]]
    next_cursor: str | None


class Session(Shown):
    """What a login gives; the refresh token is not even read."""

    access_token: str


class KeyGiven(Shown):
    """A key that was made for us."""

    key_id: int
    key: str


class Heard(Shown):
    """A download as the socket tells of it; null means unknown."""

    type: Literal["state", "progress"] = "state"
    history_id: int
    status: str
    status_code: Status
    stage: str
    percent: float | None = None
    downloaded_bytes: int | None = None
    total_bytes: int | None = None
    speed_bps: float | None = None
    eta_s: float | None = None


class Message(Shown):
    """What kind of message it is; a snapshot has its downloads inside."""

    type: str
    downloads: list[Heard] = []
