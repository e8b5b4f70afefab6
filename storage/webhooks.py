"""The deliveries of webhooks: which are due, how each attempt ended, and the log of them.

They are made by the database itself when a download ends, see schema.sql.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum

from domain.webhooks import Answer, Message
from storage import audit
from storage.audit import Action
from storage.db import Db, Row, Statements
from storage.webhook_secrets import WebhookSecrets

CLAIM = timedelta(seconds=30)
"""How long an attempt has; one whose worker died is made again after that."""

KEEP = timedelta(days=30)
"""How long a delivery that has ended stays in the log."""

SHOWN_ATTEMPTS = 50
"""The newest of a delivery."""

REPLAYS = 30
REPLAYS_WITHIN = timedelta(minutes=1)
"""Replays of one user, and of each delivery one: they are requests to whatever host one names."""


class DeliveryStatus(StrEnum):
    """Where the delivery of a webhook stands."""

    PENDING = "pending"
    DELIVERED = "delivered"
    FAILED = "failed"


class Replay(StrEnum):
    """What came of the wish to have a delivery made again."""

    BEGUN = "begun"
    UNKNOWN = "unknown"
    PENDING = "pending"
    TOO_MANY = "too_many"


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """How many attempts may run at once over all workers."""

    per_lane: int
    per_user: int
    per_host: int


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookDelivery:
    """A claimed delivery, for one attempt.

    Attributes:
        url: May hold a secret of the receiver's: not for logs.
        tries: Attempts since it was made or replayed, counting this one.
        age: Since the first of them.
        is_disabled: Whether its user's account is.
    """

    delivery_id: int
    epoch: int
    history_id: int
    url: str = field(repr=False)
    message: Message
    tries: int
    age: timedelta
    is_disabled: bool


class Webhooks:
    """The rows of ``webhook_deliveries`` and ``webhook_attempts``."""

    def __init__(self, db: Db, secrets: WebhookSecrets) -> None:
        self._db = db
        self._secrets = secrets

    async def attach(self, statements: Statements, rows: Sequence[Row], url: str) -> None:
        """Have the ends of new downloads of one user told to an address.

        In the transaction of their submit and after it: that one holds the user's quota, so no
        two of these wait for each other.
        """
        user_id = rows[0]["user_id"]
        await self._secrets.ensure(statements, user_id)
        ids = [row["history_id"] for row in rows]
        await statements.all("webhooks_attach", history_ids=ids, user_id=user_id, url=url)

    async def claim(self, bounds: Bounds, *, limit: int) -> Sequence[WebhookDelivery]:
        """Take what is due, as far as its user and its host have room."""
        async with self._db.transaction() as statements:
            await statements.one("webhooks_lock")
            rows = await statements.all(
                "webhooks_claim",
                claim_s=CLAIM.total_seconds(),
                limit=limit,
                per_lane=bounds.per_lane,
                per_user=bounds.per_user,
                per_host=bounds.per_host,
            )
        return [self._as_delivery(row) for row in rows]

    async def settle(
        self, claimed: WebhookDelivery, answer: Answer, *, wait: timedelta | None
    ) -> DeliveryStatus | None:
        """Write how an attempt ended; return where the delivery stands, None if the claim is lost.

        Args:
            wait: Until the next attempt; None if there is none.
        """
        status = DeliveryStatus.DELIVERED
        if answer.fault is not None:
            status = DeliveryStatus.FAILED if wait is None else DeliveryStatus.PENDING
        row = await self._db.one(
            "webhooks_settle",
            delivery_id=claimed.delivery_id,
            epoch=claimed.epoch,
            status=status.value,
            wait_s=0.0 if wait is None else wait.total_seconds(),
            http_status=answer.http_status,
            fault=answer.fault and answer.fault.value,
            outcome=answer.fault.value if answer.fault else DeliveryStatus.DELIVERED.value,
        )
        return None if row is None else status

    async def page(
        self,
        user_id: int,
        *,
        history_id: int | None,
        status: DeliveryStatus | None,
        before: int,
        limit: int,
    ) -> Sequence[Row]:
        """Return a user's deliveries with an id below ``before``, newest first.

        Each has its newest ``attempts``, the oldest first.
        """
        rows = await self._db.all(
            "webhooks_page",
            user_id=user_id,
            history_id=history_id,
            status=status and status.value,
            before=before,
            limit=limit,
        )
        attempts = await self._db.all(
            "webhooks_attempts",
            delivery_ids=[row["delivery_id"] for row in rows],
            most=SHOWN_ATTEMPTS,
        )
        return [
            {**row, "attempts": [a for a in attempts if a["delivery_id"] == row["delivery_id"]]}
            for row in rows
        ]

    async def replay(self, delivery_id: int, user_id: int) -> Replay:
        """Make a delivery that has ended due again, as it was told first."""
        values = {"delivery_id": delivery_id, "user_id": user_id}
        async with self._db.transaction() as statements:
            await statements.one("webhooks_lock_replays", user_id=user_id)
            row = await statements.one(
                "webhooks_replay",
                most=REPLAYS,
                shown=SHOWN_ATTEMPTS,
                within_s=REPLAYS_WITHIN.total_seconds(),
                **values,
            )
            if row is not None:
                ids = [row["history_id"]]
                await audit.note(statements, Action.REPLAY, user_id=user_id, history_ids=ids)
                return Replay.BEGUN
            there = await statements.one("webhooks_one", **values)
        if there is None:
            return Replay.UNKNOWN
        return Replay.PENDING if there["status"] == DeliveryStatus.PENDING else Replay.TOO_MANY

    async def counts(self) -> Sequence[Row]:
        """Return how many attempts ended in each outcome."""
        return await self._db.all("webhooks_counts")

    async def forget(self) -> int:
        """Delete what has been in the log for long, a few at a time; return how many went."""
        forgotten = 0
        while rows := await self._db.all("webhooks_forget", keep_s=KEEP.total_seconds()):
            forgotten += len(rows)
        return forgotten

    def _as_delivery(self, row: Row) -> WebhookDelivery:
        opened = [self._secrets.open(sealed) for sealed in row["sealed"]]
        return WebhookDelivery(
            delivery_id=row["delivery_id"],
            epoch=row["epoch"],
            history_id=row["history_id"],
            url=row["url"],
            message=Message(
                message_id=f"msg_{row['message_id'].hex}",
                timestamp=row["timestamp"],
                body=row["body"],
                secrets=[secret for secret in opened if secret is not None],
            ),
            tries=row["tries"],
            age=timedelta(seconds=row["age_s"]),
            is_disabled=row["is_disabled"],
        )
