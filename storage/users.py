"""The accounts and their refresh tokens."""

import hashlib
import secrets
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from uuid import uuid4

from domain.download import User
from storage import audit
from storage.audit import Action
from storage.db import Db, Row
from storage.feed import Feed


def canonical_email(email: str) -> str:
    """Return the one form under which an address is kept: NFKC, case-folded, no blanks around.

    So that ``Admin@x`` and its full-width twin are one account. Source: reliability row AU-4.
    """
    return unicodedata.normalize("NFKC", email).strip().casefold()


def is_local_email(email: str) -> bool:
    """Return whether an address is one of this machine, of which no mail can come."""
    host = canonical_email(email).rpartition("@")[2].rstrip(".")
    return host == "localhost" or host.endswith(".localhost")


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """An account with the hash of its password."""

    user: User
    password_hash: str


class Users:
    """The rows of users; a disabled account is not found by any reader but ``all``.

    Args:
        feed: Tells every process whose tokens ended; None where there is no Redis to tell.
    """

    def __init__(self, db: Db, feed: Feed | None = None) -> None:
        self._db = db
        self._feed = feed

    async def add(
        self, email: str, *, password_hash: str, nickname: str | None = None, role: str = "user"
    ) -> User | None:
        """Create an account, or return None if the address is taken."""
        row = await audit.change(
            self._db,
            Action.REGISTER,
            "users_insert",
            email=canonical_email(email),
            nickname=nickname,
            password_hash=password_hash,
            role=role,
        )
        return None if row is None else user_of(row)

    async def by_email(self, email: str) -> Credentials | None:
        """Return the account of an address, or None."""
        row = await self._db.one("users_by_email", email=canonical_email(email))
        return None if row is None else _credentials(row)

    async def by_id(self, user_id: int) -> User | None:
        """Return an account, or None if it does not exist or is disabled."""
        row = await self._db.one("users_by_id", user_id=user_id)
        return None if row is None else user_of(row)

    async def all(self) -> Sequence[Row]:
        """Return every account, with ``disabled_at``."""
        return await self._db.all("users_all")

    async def set_password(self, email: str, password_hash: str) -> bool:
        """Change a password and end every token; return False if there is no such account."""
        row = await audit.change(
            self._db,
            Action.PASSWORD,
            "users_set_password",
            email=canonical_email(email),
            password_hash=password_hash,
        )
        return await self._ended(row)

    async def disable(self, email: str) -> bool:
        """Disable an account and end every token; return False if there is no such account."""
        row = await audit.change(
            self._db, Action.DISABLE, "users_disable", email=canonical_email(email)
        )
        return await self._ended(row)

    async def end_tokens(self, user_id: int) -> None:
        """Make every access and refresh token of an account worthless."""
        row = await audit.change(self._db, Action.LOGOUT, "users_end_tokens", user_id=user_id)
        await self._ended(row)

    async def _ended(self, row: Row | None) -> bool:
        if row is None:
            return False
        if self._feed is not None:
            await self._feed.tell_ended(row["user_id"])
        return True

    async def give_refresh(self, user: User, ttl: timedelta) -> str:
        """Return the first refresh token of a new family; only its hash is kept.

        It is worth something as long as the account has the version that ``user`` has.
        """
        token = secrets.token_urlsafe(32)
        await self._db.all("refresh_forget_old")
        await self._db.one(
            "refresh_insert",
            token_hash=hash_of(token),
            family=uuid4(),
            user_id=user.user_id,
            version=user.token_version,
            ttl_s=ttl.total_seconds(),
        )
        return token

    async def exchange_refresh(self, token: str, ttl: timedelta) -> tuple[User, str] | None:
        """Spend a refresh token; return its account, as it was then, and the next token.

        None if it is unknown, past its time, ended or was used before; the last ends its family,
        since one of the two who hold it must have stolen it. Source: RFC 9700, section 4.14.
        """
        following = secrets.token_urlsafe(32)
        row = await self._db.one(
            "refresh_exchange",
            token_hash=hash_of(token),
            next_hash=hash_of(following),
            ttl_s=ttl.total_seconds(),
        )
        if row is None:
            await self._end_family(hash_of(token))
            return None
        return user_of(row), following

    async def _end_family(self, token_hash: str) -> None:
        async with self._db.transaction() as statements:
            await statements.one("refresh_lock_family", token_hash=token_hash)
            reused = await statements.one("refresh_end_family", token_hash=token_hash)
            if reused is not None:
                await audit.note(statements, Action.TOKEN_REUSED, user_id=reused["user_id"])


def hash_of(token: str) -> str:
    """Return what is kept of a token: it is chance enough to need no slow hash."""
    return hashlib.sha256(token.encode()).hexdigest()


def user_of(row: Row) -> User:
    """Return the account in a row."""
    return User(
        user_id=row["user_id"],
        email=row["email"],
        nickname=row["nickname"],
        role=row["role"],
        token_version=row["token_version"],
        created_at=row["created_at"],
    )


def _credentials(row: Row) -> Credentials:
    return Credentials(user=user_of(row), password_hash=row["password_hash"])
