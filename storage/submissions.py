"""The submissions: rows inserted as far as the quota has room, batches, and answers kept by key."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from domain.quotas import Allowance
from domain.requests import Wish
from domain.states import Mode
from storage import audit
from storage.audit import Action
from storage.db import Db, Row, Statements
from storage.quotas import QuotaError, refusal_of
from storage.wishes import columns_of

KEY_TTL = timedelta(hours=24)
"""How long the answer to a request with a key is given again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Submitted:
    """What became of some wishes.

    Attributes:
        rows: Of the first of them, in their order.
        refusal: Why there is none for the others; None if there are no others.
    """

    rows: Sequence[Row]
    refusal: QuotaError | None


async def submit_all(
    statements: Statements,
    allowance: Allowance,
    user_id: int,
    mode: Mode,
    wishes: Sequence[Wish],
    *,
    is_batch: bool,
) -> Submitted:
    """Insert queued downloads in one statement, as many as the user's quota has room for.

    Args:
        wishes: One or more, alike in all but their addresses.
        is_batch: Whether they get a ``batch_id``.
    """
    columns = [columns_of(wish) for wish in wishes]
    form = {name: columns[0][name] for name in ("quality", "format_id", "container", "subtitles")}
    rows = await statements.all(
        "downloads_submit",
        user_id=user_id,
        urls=[each["url"] for each in columns],
        sites=[each["site"] for each in columns],
        mode=mode.value,
        is_batch=is_batch,
        **form,
        **allowance.taking(mode),
    )
    made = [row for row in rows if row["history_id"] is not None]
    if made:
        ids = [row["history_id"] for row in made]
        await audit.note(statements, Action.SUBMIT, user_id=user_id, history_ids=ids)
    return Submitted(rows=made, refusal=refusal_of(rows[0]))


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptAnswer:
    """An answer as it was first given.

    Attributes:
        digest: SHA-256 of what was asked, in hex.
        location: Of what the request made, or None.
    """

    digest: str
    status: int
    location: str | None
    body: str


class Keys:
    """The rows of ``idempotency_keys``; each stands or falls with what its request made."""

    async def find(self, statements: Statements, user_id: int, key: str) -> KeptAnswer | None:
        """Return what was answered within the last day; the caller holds the user's quota."""
        row = await statements.one(
            "keys_find", user_id=user_id, key=key, ttl_s=KEY_TTL.total_seconds()
        )
        return None if row is None else KeptAnswer(**row)

    async def keep(
        self, statements: Statements, user_id: int, key: str, answer: KeptAnswer
    ) -> None:
        """Keep an answer for a day, and forget some of those that are older."""
        await statements.all("keys_forget_old", ttl_s=KEY_TTL.total_seconds())
        await statements.one(
            "keys_keep",
            user_id=user_id,
            key=key,
            digest=answer.digest,
            status=answer.status,
            location=answer.location,
            body=answer.body,
        )


class Batches:
    """Downloads that were submitted in one request."""

    def __init__(self, db: Db, allowance: Allowance) -> None:
        self._db = db
        self._allowance = allowance

    async def submit(
        self, statements: Statements, user_id: int, mode: Mode, wishes: Sequence[Wish]
    ) -> Submitted:
        """Submit some wishes as one batch, as far as the quota has room."""
        return await submit_all(statements, self._allowance, user_id, mode, wishes, is_batch=True)

    async def of_user(self, batch_id: int, user_id: int) -> Sequence[Row]:
        """Return history_id, status and attempts of each download; none if it is another's."""
        return await self._db.all("batches_of_user", batch_id=batch_id, user_id=user_id)

    async def cancel(self, batch_id: int, user_id: int) -> Sequence[Row]:
        """Cancel at once, or leave a wish to the holder; return the rows that were not final."""
        async with self._db.transaction() as statements:
            rows = await statements.all("batches_cancel", batch_id=batch_id, user_id=user_id)
            if rows:
                ids = [row["history_id"] for row in rows]
                await audit.note(statements, Action.CANCEL, user_id=user_id, history_ids=ids)
            return rows
