"""The shapes of an account's password and of its keys."""

from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, Field

from domain.keys import Scope
from web.fields import Asked, Label, Password


class PasswordAsked(Asked):
    """Another password."""

    current_password: Annotated[str, Field(max_length=128)]
    new_password: Password


class KeyAsked(Asked):
    """A new personal API key; without ``expires_in_d`` it has no end."""

    name: Label
    scopes: Annotated[list[Scope], Field(min_length=1, max_length=len(Scope))]
    expires_in_d: Annotated[int, Field(ge=1, le=3_650)] | None = None


class KeyShown(BaseModel):
    """A key as its owner sees it; ``last_used_at`` is true to the minute."""

    key_id: int
    name: str
    prefix: str
    scopes: list[Scope]
    created_at: datetime
    expires_at: datetime | None
    last_used_at: datetime | None


class KeyGiven(KeyShown):
    """A key that was just made, with what to send as Bearer."""

    key: str


class KeysShown(BaseModel):
    """The keys of an account."""

    items: list[KeyShown]


class SocketTicketShown(BaseModel):
    """What opens one socket, once, within ``expires_in`` seconds."""

    ticket: str
    expires_in: int
