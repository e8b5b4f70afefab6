"""The secrets that webhooks are signed with, one for each user; kept sealed."""

import base64
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from domain.webhooks import SECRET_PREFIX
from storage import audit
from storage.audit import Action
from storage.db import Db, Row, Statements
from storage.sealing import Seal, SealedError

OVERLAP = timedelta(hours=24)
"""How long the secret before goes on to sign."""

_KEY_BYTES = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownSecret:
    """A secret, for its owner's eyes.

    Attributes:
        previous_until: Till then those before sign too; None if there is none.
    """

    secret: str
    made_at: datetime
    previous_until: datetime | None

    def __repr__(self) -> str:
        return f"ShownSecret({self.made_at})"


class WebhookSecrets:
    """The rows of ``webhook_secrets``."""

    def __init__(self, db: Db, secret: str) -> None:
        self._db = db
        self._seal = Seal(secret, "secrets of webhooks")

    async def of(self, user_id: int) -> Row | None:
        """Return when a user's secret was made and till when the one before signs too."""
        return await self._db.one("webhook_secrets_of", user_id=user_id)

    async def ensure(self, statements: Statements, user_id: int) -> None:
        """Make a secret if the user has none; nobody has seen it then."""
        await statements.all("webhook_secrets_ensure", user_id=user_id, sealed=self._made())

    async def show(self, user_id: int) -> ShownSecret:
        """Return a secret that has not been shown before.

        One that a first webhook has made is shown as it is: nobody could verify by it yet, and
        what it has signed can be verified then. Else another takes its place.
        """
        values = {"sealed": self._made(), "overlap_s": OVERLAP.total_seconds()}
        row = await audit.change(
            self._db, Action.WEBHOOK_SECRET, "webhook_secrets_show", user_id=user_id, **values
        )
        if row is None:
            message = "a statement that always returns a row returned none"
            raise AssertionError(message)
        shown = self.open(row["sealed"])
        if shown is None:
            # Sealed with another secret of the server; it counts as shown now and is replaced.
            return await self.show(user_id)
        return ShownSecret(secret=shown, made_at=row["made_at"], previous_until=row["old_until"])

    def open(self, sealed: str | None) -> str | None:
        """Return a secret, or None if there is none or it was sealed with another of the server."""
        try:
            return None if sealed is None else self._seal.open(sealed)
        except SealedError:
            return None

    def _made(self) -> str:
        key = base64.b64encode(secrets.token_bytes(_KEY_BYTES)).decode()
        return self._seal.seal(SECRET_PREFIX + key)
