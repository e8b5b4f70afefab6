"""The commands of `vasset user`: accounts."""

# ruff: noqa: PLC0415 - a command imports what it needs, so that --help is quick.

import json as json_module
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from domain.quotas import MAX_AMOUNT
from vasset.faults import CommandError
from vasset.options import Data, Json, PasswordStdin

if TYPE_CHECKING:
    from storage.db import Db
    from storage.users import Users

Result = TypeVar("Result")
Email = Annotated[str, typer.Argument(metavar="EMAIL", help="The account's address.")]

Own = Annotated[int | None, typer.Option(min=0, max=MAX_AMOUNT, show_default="unchanged")]

app = typer.Typer(help="Accounts: add, list, passwd, disable, quota.")


@app.command(short_help="Add an account.")
def add(
    email: Email,
    *,
    admin: Annotated[bool, typer.Option("--admin", help="Make an administrator.")] = False,
    password_stdin: PasswordStdin = False,
    data: Data = None,
) -> None:
    """Add an account; without --password-stdin it gets a password, which is shown once.

    Example: vasset user add ada@example.org --admin
    """
    password, hashed = _password(email, from_stdin=password_stdin)
    role = "admin" if admin else "user"
    user = _with_users(data, lambda users: users.add(email, password_hash=hashed, role=role))
    if user is None:
        message = f"there is an account {email} already"
        raise CommandError(message)
    typer.echo(f"Added {user.email} ({user.role}).")
    _show(password, from_stdin=password_stdin)


@app.command("list")
def list_(data: Data = None, *, json: Json = False) -> None:
    """List the accounts.

    Example: vasset user list --json
    """
    rows = _with_users(data, lambda users: users.all())
    if json:
        typer.echo(json_module.dumps([dict(row) for row in rows], default=str))
        return
    for row in rows:
        state = "disabled" if row["disabled_at"] else row["role"]
        typer.echo(f"{row['user_id']:>6}  {state:<8}  {row['email']}")


@app.command(short_help="Change a password and end every login.")
def passwd(email: Email, *, password_stdin: PasswordStdin = False, data: Data = None) -> None:
    """Change a password and end every login; without --password-stdin a new one is shown once.

    Example: vasset user passwd ada@example.org --password-stdin < password.txt
    """
    password, hashed = _password(email, from_stdin=password_stdin)
    if not _with_users(data, lambda users: users.set_password(email, hashed)):
        message = f"there is no account {email}"
        raise CommandError(message)
    typer.echo(f"Changed the password of {email}.")
    _show(password, from_stdin=password_stdin)


@app.command()
def disable(email: Email, data: Data = None) -> None:
    """Disable an account and end every login; its downloads stay.

    Example: vasset user disable ada@example.org
    """
    if not _with_users(data, lambda users: users.disable(email)):
        message = f"there is no account {email}"
        raise CommandError(message)
    typer.echo(f"Disabled {email}.")


@app.command(short_help="Show or change the limits of an account.")
def quota(
    email: Email,
    data: Data = None,
    *,
    daily: Own = None,
    archive_bytes: Own = None,
    active: Own = None,
    clear: Annotated[bool, typer.Option("--clear", help="As in the settings again.")] = False,
) -> None:
    """Give an account limits of its own, and show what it may use and uses.

    Downloads a day (UTC), bytes in the archive, downloads queued or running; 0 is none.

    Example: vasset user quota ada@example.org --daily 500 --archive-bytes 1000000000000
    """
    from domain.quotas import Quota
    from vasset import quotas

    given = zip(Quota, (daily, archive_bytes, active), strict=True)
    limits: dict[Quota, int | None] = dict.fromkeys(Quota) if clear else {}
    limits |= {name: limit for name, limit in given if limit is not None}
    typer.echo(quotas.change(data, email, limits))


def _password(email: str, *, from_stdin: bool) -> tuple[str, str]:
    """Return a password, read or new, and its hash.

    Raises:
        CommandError: The address or the password would not be let in by the web process.
    """
    from pydantic import ValidationError

    from vasset.first_run import new_password
    from web.accounts.passwords import hasher
    from web.shapes import RegistrationAsked

    password = sys.stdin.readline().rstrip("\r\n") if from_stdin else new_password()
    try:
        RegistrationAsked(email=email, password=password)
    except ValidationError as error:
        fault = error.errors(include_input=False, include_url=False)[0]
        message = f"{fault['loc'][0]}: {fault['msg']}"
        raise CommandError(message) from None
    return password, hasher().hash(password)


def _show(password: str, *, from_stdin: bool) -> None:
    if not from_stdin:
        typer.echo(f"Password, shown this once: {password}")


def _with_users(data: Path | None, ask: "Callable[[Users], Awaitable[Result]]") -> Result:
    """Return what the accounts answer, over connections made for this one question."""
    from storage.feed import Feed
    from storage.redis_door import connect
    from storage.users import Users
    from vasset import configured
    from vasset.asking import ask_database

    async def asked(db: "Db") -> Result:
        url = configured.with_database(data).redis.url.get_secret_value()
        if not url:
            # Then open sockets notice within seconds by themselves.
            return await ask(Users(db))
        async with connect(url) as redis:
            return await ask(Users(db, Feed(redis)))

    return ask_database(data, asked)
