"""What was delivered: bytes and transfers of each file, and of each node altogether."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from storage.db import Db, Row


class Outcome(StrEnum):
    """How a request for a file ended: sent, cut off, or refused before the first byte."""

    SENT = "sent"
    OFFLOADED = "offloaded"
    CLIENT_GONE = "client_gone"
    TOO_SLOW = "too_slow"
    FILE_ENDED = "file_ended"
    NODE_FULL = "node_full"
    USER_FULL = "user_full"
    SLOT_FULL = "slot_full"
    FAULTY = "faulty"
    NODE_AWAY = "node_away"

    @property
    def is_refusal(self) -> bool:
        """Whether not a byte was sent."""
        return self in _REFUSALS


_REFUSALS = (
    Outcome.NODE_FULL,
    Outcome.USER_FULL,
    Outcome.SLOT_FULL,
    Outcome.FAULTY,
    Outcome.NODE_AWAY,
)


@dataclass(slots=True)
class Tally:
    """How often something happened, and how many bytes went with it."""

    number: int = 0
    sent_bytes: int = 0

    def add(self, sent_bytes: int) -> None:
        """Count one more."""
        self.number += 1
        self.sent_bytes += sent_bytes


class Deliveries:
    """The rows of delivery_counts and delivery_totals."""

    def __init__(self, db: Db, *, node: str) -> None:
        self._db = db
        self._node = node

    async def add(self, files: Mapping[int, Tally], outcomes: Mapping[Outcome, Tally]) -> None:
        """Add what was delivered to each download's owner, and how this node's transfers ended."""
        async with self._db.transaction() as statements:
            await statements.all(
                "delivery_counts_add",
                history_ids=list(files),
                transfers=[tally.number for tally in files.values()],
                sent_bytes=[tally.sent_bytes for tally in files.values()],
            )
            await statements.all(
                "audit_count_deliveries",
                history_ids=list(files),
                transfers=[tally.number for tally in files.values()],
            )
            await statements.all(
                "delivery_totals_add",
                node=self._node,
                outcomes=[outcome.value for outcome in outcomes],
                numbers=[tally.number for tally in outcomes.values()],
                sent_bytes=[tally.sent_bytes for tally in outcomes.values()],
            )

    async def totals(self) -> Sequence[Row]:
        """Return node, outcome, number and bytes of everything."""
        return await self._db.all("delivery_totals_all")

    async def of_user(self, user_id: int, limit: int) -> Sequence[Row]:
        """Return a user's newest deliveries: history_id, transfers, bytes, last_at."""
        return await self._db.all("delivery_counts_of_user", user_id=user_id, limit=limit)
