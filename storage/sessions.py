"""The sessions of browsers: one row for each sign-in on the page, for as long as it lasts."""

import secrets
from datetime import timedelta

from domain.download import User
from storage.db import Db
from storage.users import hash_of, user_of


async def begin(db: Db, user: User, ttl: timedelta) -> str:
    """Return the secret of a new session; only its hash is kept.

    It is worth something as long as the account has the version that ``user`` has.
    """
    secret = secrets.token_urlsafe(32)
    await db.all("sessions_forget_old")
    await db.one(
        "sessions_insert",
        token_hash=hash_of(secret),
        user_id=user.user_id,
        version=user.token_version,
        ttl_s=ttl.total_seconds(),
    )
    return secret


async def renew(db: Db, secret: str, ttl: timedelta) -> User | None:
    """Let a session last that long again; return its account, or None if it has ended.

    The secret stays the same: a browser repeats a request whose answer it lost, and two of its
    tabs renew at once. Source: docs/decisions/0022-page.md.
    """
    row = await db.one("sessions_renew", token_hash=hash_of(secret), ttl_s=ttl.total_seconds())
    return None if row is None else user_of(row)


async def end(db: Db, secret: str) -> None:
    """End one session; the account's others go on."""
    await db.all("sessions_end", token_hash=hash_of(secret))
