"""The shapes of webhooks: their secret, and the log of what they were told."""

from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, Field, WithJsonSchema

from storage.webhooks import DeliveryStatus
from web.downloads.history_shapes import Cursor
from web.fields import Asked, Id, PageSize

DeliveryStatusName = Annotated[
    DeliveryStatus, WithJsonSchema({"type": "string", "enum": list(DeliveryStatus)})
]


class WebhookSecretState(BaseModel):
    """Whether there is a secret, since when, and till when those before it sign too."""

    exists: bool
    made_at: datetime | None
    previous_until: datetime | None


class WebhookSecretShown(BaseModel):
    """The secret that webhooks are signed with from now on, in the form of Standard Webhooks."""

    secret: str
    made_at: datetime
    previous_until: datetime | None


class WebhookDeliveriesAsked(Asked):
    """Which page of the log."""

    history_id: Id | None = None
    status: DeliveryStatusName | None = None
    cursor: Cursor | None = None
    limit: PageSize = 50


class WebhookAttemptShown(BaseModel):
    """One attempt; without ``seconds`` it is being made, or was interrupted.

    ``fault`` is null if it delivered, else ``dns``, ``forbidden_address``, ``unreachable``,
    ``tls``, ``timeout``, ``protocol``, ``status``, ``no_secret``, ``account_disabled``,
    ``internal`` or ``interrupted``.
    """

    at: datetime
    seconds: Annotated[float, Field(ge=0)] | None
    http_status: int | None
    fault: str | None


class WebhookDeliveryShown(BaseModel):
    """What a webhook was told and how; ``webhook_id`` is the header ``webhook-id``."""

    delivery_id: int
    webhook_id: str
    history_id: int
    event: str
    url: str
    status: DeliveryStatus
    created_at: datetime
    next_attempt_at: datetime | None
    attempts: list[WebhookAttemptShown]


class WebhookDeliveriesShown(BaseModel):
    """A page of the log, newest first; ``next_cursor`` is null on the last one."""

    items: list[WebhookDeliveryShown]
    next_cursor: str | None


class ReplayBegun(BaseModel):
    """A delivery that is due again."""

    delivery_id: int
    status: DeliveryStatus = DeliveryStatus.PENDING
