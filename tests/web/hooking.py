"""What the tests of webhooks do again and again."""

from typing import Any

import httpx

from domain.webhooks import Answer
from storage.webhooks import Bounds, WebhookDelivery
from tests.web.conftest import Member, Site

HOOK = "https://hooks.example/a?token=s3cret-of-the-receiver"
WIDE = Bounds(per_lane=999, per_user=999, per_host=999)


async def submit(member: Member, webhook: object = HOOK, **more: object) -> httpx.Response:
    body = {"url": "https://example.com/v", "mode": "archive", "webhook": webhook} | more
    return await member.http.post("/download", json=body)


async def cancelled(member: Member) -> int:
    """Submit and cancel a download; return its id."""
    history_id = int((await submit(member)).json()["history_id"])
    assert (await member.http.post(f"/download/{history_id}/cancel")).status_code == 200
    return history_id


async def log(member: Member, **query: object) -> list[dict[str, Any]]:
    """Return all of a user's deliveries that a query finds, page by page."""
    items: list[dict[str, Any]] = []
    more: dict[str, object] = {}
    while True:
        asked = {name: str(value) for name, value in (query | more).items()}
        answer = await member.http.get("/user/webhook-deliveries", params=asked)
        assert answer.status_code == 200, answer.text
        items += answer.json()["items"]
        if answer.json()["next_cursor"] is None:
            return items
        more["cursor"] = answer.json()["next_cursor"]


async def claimed(site: Site, history_id: int) -> WebhookDelivery:
    """Hold what is to be told of a download, as a worker does."""
    services = site.front.services
    due = await services.webhooks.claim(WIDE, limit=999)
    await services.db.raw(
        f"UPDATE webhook_deliveries SET claimed_until = NULL WHERE history_id <> {history_id}"
    )
    return {each.history_id: each for each in due}[history_id]


async def end(site: Site, history_id: int, answer: Answer) -> None:
    """Let what is to be told of a download end so."""
    await site.front.services.webhooks.settle(await claimed(site, history_id), answer, wait=None)
