"""What `up` does in the database before the parts start: old claims, the first account."""

import secrets
from dataclasses import dataclass, field

from runtime.services import database_of
from runtime.settings import Settings
from storage.due import Due
from storage.nodes import Nodes
from storage.users import Users
from web.accounts.passwords import hasher

ADMIN = "admin@localhost"
LOCAL = "local@localhost"
"""The account of `vasset get` without a login, which reads the data directory to act for it."""

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
    """Make the database ready for this node; return the first account if it was made.

    Only when no worker of this node can be alive: claims are dropped.

    Args:
        makes_admin: Whether the first account is made now if there is none.

    Raises:
        DatabaseError: The database cannot be reached or refused a statement.
    """
    db = database_of(settings)
    await db.open()
    try:
        await Due(db, node=settings.storage.node).drop_claims()
        return await _first_account(Users(db)) if makes_admin else None
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


async def _first_account(users: Users) -> Account | None:
    if any(row["email"] != LOCAL for row in await users.all()):
        return None
    account = Account(email=ADMIN, password=new_password())
    made = await users.add(
        account.email, password_hash=hasher().hash(account.password), role="admin"
    )
    return None if made is None else account
