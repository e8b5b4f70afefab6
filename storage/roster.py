"""The accounts as administrators see and change them."""

from collections.abc import Sequence

from storage import audit
from storage.audit import Action
from storage.db import Db, Row
from storage.feed import Feed
from storage.history import containing


class LastAdminError(Exception):
    """The change would leave nobody who can administer."""


class Roster:
    """Reads and changes accounts, disabled ones too.

    Args:
        feed: Tells every process whose tokens ended.
    """

    def __init__(self, db: Db, feed: Feed) -> None:
        self._db = db
        self._feed = feed

    async def page(self, *, email: str | None, before: int, limit: int) -> Sequence[Row]:
        """Return accounts with an id below ``before``, newest first.

        Args:
            email: A part of the address; None: any. All accounts are looked through for it.
        """
        pattern = None if email is None else containing(email)
        return await self._db.all("roster_page", pattern=pattern, before=before, limit=limit)

    async def change(
        self, user_id: int, *, role: str | None = None, disabled: bool | None = None
    ) -> Row | None:
        """Change a role, disable or enable; None if there is no such account.

        A change ends every token at once; what is the same already changes nothing.

        Raises:
            LastAdminError: Nobody would be left to administer.
        """
        async with self._db.transaction() as statements:
            await statements.one("roster_lock")
            row = await statements.one("roster_one", user_id=user_id)
            if row is None:
                return None
            was = (row["role"], row["disabled_at"] is not None)
            becomes = (role or was[0], was[1] if disabled is None else disabled)
            if becomes == was:
                return row
            if becomes != _ADMINISTERS and not row["has_other_admin"]:
                raise LastAdminError
            detail = f"role={becomes[0]} disabled={becomes[1]}"
            await audit.note(statements, Action.ACCOUNT, user_id=user_id, detail=detail)
            await statements.all("roster_end_sessions", user_id=user_id)
            row = await statements.one(
                "roster_change", user_id=user_id, role=becomes[0], disabled=becomes[1]
            )
        await self._feed.tell_ended(user_id)
        return row


_ADMINISTERS = ("admin", False)
