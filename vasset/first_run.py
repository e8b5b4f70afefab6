"""What `up` does in the database before the parts start: old claims, the first administrator."""

import itertools
import secrets
from collections.abc import Iterator
from dataclasses import dataclass, field

from domain.download import User
from domain.quotas import MAX_AMOUNT, UNBOUNDED, Quota
from runtime.services import database_of
from runtime.settings import Settings
from storage import roots
from storage.db import Db
from storage.due import Due
from storage.files import Files
from storage.nodes import Nodes
from storage.quotas import Quotas
from storage.users import Users
from web.accounts.passwords import hasher

ADMIN = "admin@localhost"
_NO_PASSWORD = ""
"""The stored hash of an account whose password was never shown: no login matches it."""

_PASSWORD_BYTES = 15


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """An account with the password that is shown once and kept nowhere."""

    email: str
    password: str = field(repr=False)


def new_password() -> str:
    """Return a password of 20 characters, 120 bits of chance."""
    return secrets.token_urlsafe(_PASSWORD_BYTES)


async def prepare(settings: Settings, *, makes_admin: bool) -> Account | None:
    """Make the database ready for this node; return the first account if its password is new.

    Only when no worker of this node can be alive: claims are dropped.

    Args:
        makes_admin: Whether the first account is made, or given a password, if it has none.

    Raises:
        DatabaseError: The database cannot be reached or refused a statement.
        RootMissingError: The storage root is another node's, or its disk is not mounted.
    """
    db = database_of(settings)
    await db.open()
    try:
        storage = settings.storage
        await roots.prepare(Nodes(db), Files(storage.root, node=storage.node), storage.node)
        await Due(db, node=storage.node).drop_claims()
        return await _shown_account(db) if makes_admin else None
    finally:
        await db.close()


async def heartbeat(settings: Settings) -> object:
    """Return when this node's worker last said that it lives, or None; compare by equality."""
    db = database_of(settings)
    await db.open()
    try:
        rows = await Nodes(db).all()
    finally:
        await db.close()
    return next((r["heartbeat_at"] for r in rows if r["node"] == settings.storage.node), None)


async def first_admin(db: Db) -> User | None:
    """Return the first administrator, made without a password if there is none yet.

    Of the administrators and never by an e-mail address, which a stranger may have registered.

    Returns:
        None if every administrator is disabled.
    """
    users, emails = Users(db), _emails()
    while not (admins := [row for row in await users.all() if row["role"] == "admin"]):
        # Taken by an account that is not an administrator, or just made by another command.
        await _make_admin(db, next(emails))
    active = [row["user_id"] for row in admins if row["disabled_at"] is None]
    return await users.by_id(active[0]) if active else None


def _emails() -> Iterator[str]:
    yield ADMIN
    for number in itertools.count(2):
        yield ADMIN.replace("@", f"{number}@")


async def _make_admin(db: Db, email: str) -> None:
    """Make an administrator who may begin as many downloads a day as they like."""
    made = await Users(db).add(email, password_hash=_NO_PASSWORD, role="admin")
    if made is not None:
        await Quotas(db, UNBOUNDED).set(made.user_id, {Quota.DAILY_DOWNLOADS: MAX_AMOUNT})


async def _shown_account(db: Db) -> Account | None:
    """Return the first administrator with a new password if nobody has one."""
    users, admin = Users(db), await first_admin(db)
    known = None if admin is None else await users.by_email(admin.email)
    if known is None or known.password_hash != _NO_PASSWORD:
        return None
    account = Account(email=known.user.email, password=new_password())
    await users.set_password(account.email, hasher().hash(account.password))
    return account
