"""The audit trail on a terminal."""

import json
from dataclasses import dataclass
from pathlib import Path

import typer

from storage.audit import Action, Searched, Trail
from storage.db import Db, Row
from storage.users import Users
from vasset.asking import ask_database
from vasset.faults import CommandError

EVERYTHING = 2**63 - 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What a person wants to see; None means any."""

    email: str | None
    action: str | None
    history_id: int | None
    limit: int


def show(data: Path | None, asked: Asked, *, as_json: bool) -> None:
    """Print the newest entries, the newest first.

    Raises:
        CommandError: There is no such account or action.
    """
    if asked.action is not None and asked.action not in list(Action):
        message = f"there is no action {asked.action}; there are: {', '.join(Action)}"
        raise CommandError(message)
    rows = ask_database(data, lambda db: _entries(db, asked))
    if as_json:
        typer.echo(json.dumps([dict(row) for row in rows], default=str))
        return
    for row in rows:
        typer.echo(_line(row))


async def _entries(db: Db, asked: Asked) -> list[Row]:
    user_id = None
    if asked.email is not None:
        account = await Users(db).by_email(asked.email)
        if account is None:
            message = f"there is no account {asked.email}"
            raise CommandError(message)
        user_id = account.user.user_id
    wanted = Searched(
        user_id=user_id,
        action=Action(asked.action) if asked.action else None,
        history_id=asked.history_id,
    )
    return list(await Trail(db).page(wanted, before=EVERYTHING, limit=asked.limit))


def _line(row: Row) -> str:
    who = "-" if row["actor_id"] is None else f"user {row['actor_id']}"
    whose = "" if row["user_id"] is None else f"of user {row['user_id']}"
    what = "" if row["history_id"] is None else f"download {row['history_id']}"
    times = "" if row["number"] == 1 else f"{row['number']} times"
    told = "  ".join(part for part in (whose, what, times, row["detail"]) if part)
    return f"{row['at']:%Y-%m-%d %H:%M:%S}  {row['action']:<12}  {who:<10}  {told}".rstrip()
