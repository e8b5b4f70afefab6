"""The shapes of what administrators ask for and see: accounts, nodes, everybody's downloads."""

import re
from datetime import datetime
from typing import Annotated, Literal, Self

from pydantic import (
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    WithJsonSchema,
    model_validator,
)

from storage.audit import Action
from web.accounts.quota_shapes import QuotaChangeAsked, QuotaShown
from web.downloads.history_shapes import Cursor, ModeName, Search, StatusName
from web.fields import Asked, Given, Id, PageSize
from web.shapes import DownloadShown, StageRunShown

_INSTANT = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d.*", re.ASCII)


def _check_instant(text: object) -> object:
    """Let a time through that is written out: pydantic takes seconds since 1970 too."""
    if not isinstance(text, str) or _INSTANT.fullmatch(text) is None:
        message = "must be a time as of RFC 3339"
        raise ValueError(message)
    return text


ActionName = Annotated[Action, WithJsonSchema({"type": "string", "enum": list(Action)})]
Instant = Annotated[AwareDatetime, BeforeValidator(_check_instant)]
NodeName = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,62}$")]


class UsersAsked(Asked):
    """Which page of the accounts; ``q`` is a part of the e-mail address."""

    q: Search | None = None
    cursor: Cursor | None = None
    limit: PageSize = 50


class AccountShown(BaseModel):
    """An account as an administrator sees it; ``disabled_at`` is null if it may be used."""

    user_id: int
    email: str
    nickname: str | None
    role: Literal["user", "admin"]
    created_at: datetime
    disabled_at: datetime | None


class AccountManaged(AccountShown):
    """An account that was changed, with what it may use."""

    quota: QuotaShown


class AccountsShown(BaseModel):
    """A page of the accounts, newest first; ``next_cursor`` is null on the last one."""

    items: list[AccountShown]
    next_cursor: str | None


class AccountChangeAsked(Asked):
    """What is to change of an account, one thing at least; what is not given stays."""

    model_config = ConfigDict(json_schema_extra={"minProperties": 1})

    role: Given[Literal["user", "admin"]] = None
    disabled: Given[bool] = None
    quota: Given[QuotaChangeAsked] = None

    @model_validator(mode="after")
    def _check_any(self) -> Self:
        if not self.model_fields_set:
            message = "must change something"
            raise ValueError(message)
        return self


class NodeShown(BaseModel):
    """A storage node; ``url`` is where its files are reached, empty if nobody was told.

    ``room_bytes`` is what new downloads may take, beside ``reserved_bytes`` for those that run.
    What is told of the disk is null until the node has looked at it.
    """

    node: str
    url: str
    alive: bool
    draining: bool
    running: int
    sandbox: str
    heartbeat_at: datetime
    disk_total_bytes: int | None
    disk_free_bytes: int | None
    staging_bytes: int | None
    reserved_bytes: int | None
    room_bytes: int | None


class NodesShown(BaseModel):
    """Every storage node."""

    items: list[NodeShown]


class DownloadsAsked(Asked):
    """Which page of everybody's downloads."""

    user: Id | None = None
    status: StatusName | None = None
    mode: ModeName | None = None
    node: NodeName | None = None
    q: Search | None = None
    cursor: Cursor | None = None
    limit: PageSize = 50


class AdminDownloadShown(DownloadShown):
    """A download as an administrator sees it."""

    user_id: int
    storage_node: str | None


class AdminStageRunShown(StageRunShown):
    """One claim of one stage, with what yt-dlp said if it failed; null if it said nothing."""

    detail: str | None


class AdminDownloadDetail(AdminDownloadShown):
    """A download with everything that was done for it, the oldest first."""

    runs: list[AdminStageRunShown]


class AdminPageShown(BaseModel):
    """A page of everybody's downloads; it may hold fewer than ``limit`` with more behind it."""

    items: list[AdminDownloadShown]
    next_cursor: str | None


class AuditAsked(Asked):
    """Which page of the audit trail; ``user`` is who did it or whose it was."""

    user: Id | None = None
    action: ActionName | None = None
    history_id: Id | None = None
    since: Instant | None = None
    cursor: Cursor | None = None
    limit: PageSize = 50


class AuditEntryShown(BaseModel):
    """What somebody did; ``number`` is how often within the hour where only that is counted."""

    audit_id: int
    at: datetime
    actor_id: int | None
    action: str
    user_id: int | None
    history_id: int | None
    number: int
    detail: str | None
    request_id: str | None
    network: Literal["loopback", "private", "public"] | None


class AuditShown(BaseModel):
    """A page of the audit trail, newest first."""

    items: list[AuditEntryShown]
    next_cursor: str | None
