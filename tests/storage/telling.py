"""Downloads with webhooks, and what is told of them."""

from domain.download import Download, User
from domain.states import Mode
from storage.db import Db
from storage.downloads import Downloads
from storage.webhooks import Bounds, WebhookDelivery, Webhooks
from tests.storage.rows import WISH, claim_first

WIDE = Bounds(per_lane=9, per_user=9, per_host=9)
HOOK = "https://hooks.example/a?token=t"
SOON = "UPDATE webhook_deliveries SET due_at = now(), claimed_until = NULL"
"""A minute of waiting without the minute."""


class Teller:
    """Downloads with webhooks, moved as their owners and workers move them."""

    def __init__(self, db: Db, downloads: Downloads, webhooks: Webhooks, user: User) -> None:
        self.db = db
        self.downloads = downloads
        self.webhooks = webhooks
        self.user = user

    async def submit(self, url: str = HOOK, user: User | None = None) -> int:
        owner = (user or self.user).user_id
        async with self.db.transaction() as statements:
            row = await self.downloads.submit(owner, Mode.QUICK, WISH, statements)
            await self.webhooks.attach(statements, [row], url)
        return int(row["history_id"])

    async def running(self) -> Download:
        return await claim_first(self.downloads, await self.submit())

    async def cancelled(self, url: str = HOOK, user: User | None = None) -> int:
        history_id = await self.submit(url, user)
        await self.downloads.cancel(history_id, (user or self.user).user_id)
        return history_id

    async def events(self, history_id: int) -> list[str]:
        rows = await self.webhooks.page(
            self.user.user_id, history_id=history_id, status=None, before=2**62, limit=99
        )
        return [row["event"] for row in rows[::-1]]

    async def claim(self, bounds: Bounds = WIDE, limit: int = 99) -> list[WebhookDelivery]:
        return list(await self.webhooks.claim(bounds, limit=limit))
