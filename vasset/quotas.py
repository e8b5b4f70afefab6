"""What `vasset user quota` does: limits of one account, and how they stand."""

from collections.abc import Mapping
from pathlib import Path

from domain.quotas import MAX_AMOUNT, Allowance, Quota
from storage.db import Db
from storage.quotas import Books, Quotas
from storage.users import Users
from vasset import configured
from vasset.asking import ask_database
from vasset.faults import CommandError


def change(data: Path | None, email: str, limits: Mapping[Quota, int | None]) -> str:
    """Lay limits on an account, None for what the settings say; return how it stands.

    Raises:
        CommandError: There is no such account.
    """
    allowance = Allowance(**configured.with_database(data).quota.model_dump())

    async def ask(db: Db) -> Books | None:
        known = await Users(db).by_email(email)
        if known is None:
            return None
        quotas = Quotas(db, allowance)
        if limits:
            await quotas.set(known.user.user_id, limits)
        return await quotas.of_user(known.user.user_id)

    books = ask_database(data, ask)
    if books is None:
        message = f"there is no account {email}"
        raise CommandError(message)
    return (
        f"begun today       {books.daily_used} of {_shown(books.daily_limit)}"
        f" until {books.resets_at:%Y-%m-%d %H:%M} UTC\n"
        f"bytes archived    {books.archive_used} of {_shown(books.archive_limit)},"
        f" {books.archive_reserved} reserved\n"
        f"queued or running {books.active_used} of {_shown(books.active_limit)}"
    )


def _shown(limit: int) -> str:
    return str(limit) if limit < MAX_AMOUNT else "any number"
