"""The kept answers: what a request with an Idempotency-Key was answered first."""

from dataclasses import dataclass
from datetime import timedelta

from storage.db import Statements

KEPT_FOR = timedelta(hours=24)
"""How long the answer to a request with a key is given again."""


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


class KeptAnswers:
    """The rows of ``idempotency_keys``; each stands or falls with what its request made."""

    async def find(self, statements: Statements, user_id: int, key: str) -> KeptAnswer | None:
        """Return what was answered within the last day; the caller holds the user's quota."""
        row = await statements.one(
            "kept_answers_find", user_id=user_id, key=key, ttl_s=KEPT_FOR.total_seconds()
        )
        return None if row is None else KeptAnswer(**row)

    async def keep(
        self, statements: Statements, user_id: int, key: str, answer: KeptAnswer
    ) -> None:
        """Keep an answer for a day, and forget some of those that are older."""
        await statements.all("kept_answers_forget_old", ttl_s=KEPT_FOR.total_seconds())
        await statements.one(
            "kept_answers_keep",
            user_id=user_id,
            key=key,
            digest=answer.digest,
            status=answer.status,
            location=answer.location,
            body=answer.body,
        )
