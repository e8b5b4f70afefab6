"""The audit trail: who did what to which account or download, when, and in which request."""

from collections.abc import Sequence
from contextvars import ContextVar
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from storage.db import Db, Row, Statements


class Action(StrEnum):
    """What was done; the word in the row, the API and the command."""

    REGISTER = "register"
    LOGIN = "login"
    LOGIN_FAILED = "login_failed"
    LOGOUT = "logout"
    TOKEN_REUSED = "token_reused"  # noqa: S105 - a word of the trail, not a secret
    PASSWORD = "password"  # noqa: S105 - a word of the trail, not a secret
    DISABLE = "disable"
    ACCOUNT = "account"
    SUBMIT = "submit"
    CANCEL = "cancel"
    RETRY = "retry"
    DELETE = "delete"
    TICKET = "ticket"
    DELIVERED = "delivered"
    KEY = "key"
    QUOTA = "quota"
    WEBHOOK_SECRET = "webhook_secret"  # noqa: S105 - a word of the trail, not a secret
    REPLAY = "replay"


@dataclass(frozen=True, slots=True, kw_only=True)
class Actor:
    """Who acts, as far as it is known; a command has neither request nor network.

    Attributes:
        network: Where the request came from: ``loopback``, ``private``, ``public``.
    """

    actor_id: int | None = None
    request_id: str | None = None
    network: str | None = None


# Like the fields of the log: it follows a request through everything that is awaited for it.
_NOBODY = Actor()
_actor: ContextVar[Actor] = ContextVar("actor", default=_NOBODY)


def begin(actor: Actor) -> None:
    """Let what this task does from now on be an actor's doing."""
    _actor.set(actor)


def recognise(user_id: int) -> None:
    """Say which account this task acts for."""
    _actor.set(replace(_actor.get(), actor_id=user_id))


async def note(
    statements: Statements,
    action: Action,
    *,
    user_id: int | None = None,
    history_ids: Sequence[int] = (),
    detail: str | None = None,
) -> None:
    """Write down what the actor of this task does, in the transaction of ``statements``.

    Args:
        user_id: Whose account or downloads it is done to.
        detail: What became of it, such as ``role=admin``; no secret and no address.
    """
    await statements.all(
        "audit_note",
        action=action.value,
        user_id=user_id,
        history_ids=list(history_ids) or [None],
        detail=detail,
        **asdict(_actor.get()),
    )


async def change(db: Db, action: Action, name: str, **values: object) -> Row | None:
    """Run a statement that changes a row, and write it down in the same transaction.

    Returns what the statement returns; if it changed nothing, nothing is written down.
    """
    async with db.transaction() as statements:
        row = await statements.one(name, **values)
        if row is not None:
            ids = [row["history_id"]] if "history_id" in row else []
            await note(statements, action, user_id=row["user_id"], history_ids=ids)
        return row


async def count(statements: Statements, action: Action) -> None:
    """Count what nobody is named for: one row an hour."""
    await statements.all("audit_count", action=action.value)


@dataclass(frozen=True, slots=True, kw_only=True)
class Searched:
    """Which entries are wanted; None means any.

    Attributes:
        user_id: Who did it, or whose account or download it was done to.
    """

    user_id: int | None = None
    action: Action | None = None
    history_id: int | None = None
    since: datetime | None = None


class Trail:
    """Reads the entries, and forgets the old ones."""

    def __init__(self, db: Db) -> None:
        self._db = db

    async def page(self, wanted: Searched, *, before: int, limit: int) -> Sequence[Row]:
        """Return entries with an id below ``before``, newest first."""
        async with self._db.transaction() as statements:
            await statements.one("history_plan")
            return await statements.all("audit_page", before=before, limit=limit, **asdict(wanted))

    async def forget(self, keep: timedelta) -> int:
        """Delete what is older than ``keep``, a few at a time; return how many went."""
        forgotten = 0
        while rows := await self._db.all("audit_forget", keep_s=keep.total_seconds()):
            forgotten += len(rows)
        return forgotten
