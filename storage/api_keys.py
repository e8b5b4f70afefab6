"""The personal API keys: shown once, kept as hashes."""

import re
import secrets
from collections.abc import Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass

from domain.download import User
from domain.keys import Scope
from storage import audit
from storage.audit import Action
from storage.db import DatabaseError, Db, Row
from storage.feed import Feed
from storage.users import hash_of, user_of

PREFIX = "vst_"
"""How every key begins, so that people and scanners of published code know one."""

MAX_KEYS = 50
_SHOWN = len(PREFIX) + 8
_FORM = re.compile(PREFIX + r"[A-Za-z0-9_-]{43}", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """What a good key opens.

    Attributes:
        is_stale: Whether its last use was not written down within the last minute.
    """

    key_id: int
    user: User
    scopes: frozenset[Scope]
    is_stale: bool


class ApiKeys:
    """The rows of ``api_keys``."""

    def __init__(self, db: Db, feed: Feed) -> None:
        self._db = db
        self._feed = feed

    async def add(
        self, user_id: int, name: str, scopes: Collection[Scope], *, expires_in_d: int | None
    ) -> tuple[str, Row] | None:
        """Return a new key and its row; None if the user has as many as one may.

        The row counts in ``users.key_count``, so of many at once none is one too many.
        """
        key = PREFIX + secrets.token_urlsafe(32)
        row = await audit.change(
            self._db,
            Action.KEY,
            "api_keys_insert",
            user_id=user_id,
            most=MAX_KEYS,
            key_name=name,
            prefix=key[:_SHOWN],
            key_hash=hash_of(key),
            scopes=[scope.value for scope in Scope if scope in scopes],
            expires_in_d=expires_in_d,
        )
        return None if row is None else (key, row)

    async def of_user(self, user_id: int) -> Sequence[Row]:
        """Return a user's keys, the newest first, those that have ended too."""
        return await self._db.all("api_keys_of_user", user_id=user_id)

    async def remove(self, key_id: int, user_id: int) -> bool:
        """End a key and its sockets; return False if it is not this user's."""
        values = {"key_id": key_id, "user_id": user_id}
        if await audit.change(self._db, Action.KEY, "api_keys_delete", **values) is None:
            return False
        await self._feed.tell_ended(user_id)
        return True

    async def open(self, key: str) -> Opened | None:
        """Return what a key opens; None if it is none of ours, ended, or its account disabled."""
        if _FORM.fullmatch(key) is None:
            return None
        return _opened(await self._db.one("api_keys_open", key_hash=hash_of(key)))

    async def open_again(self, key_id: int) -> Opened | None:
        """Return what a key that was opened before still opens; None as ``open``."""
        return _opened(await self._db.one("api_keys_open_again", key_id=key_id))

    async def note_use(self, key_id: int) -> None:
        """Write down that a key was used, once a minute at most; never raises."""
        with suppress(DatabaseError):
            await self._db.one("api_keys_note_use", key_id=key_id)


def _opened(row: Row | None) -> Opened | None:
    if row is None:
        return None
    return Opened(
        key_id=row["key_id"],
        user=user_of(row),
        scopes=frozenset(Scope(scope) for scope in row["scopes"]),
        is_stale=row["is_stale"],
    )
