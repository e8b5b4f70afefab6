"""The secrets of webhooks: made unseen, shown once, replaced."""

from storage.db import Db
from storage.webhook_secrets import WebhookSecrets
from storage.webhooks import Webhooks
from tests.storage.telling import SOON, WIDE, Teller


async def test_a_secret_is_shown_once_and_those_before_sign_for_a_day(
    teller: Teller, secrets: WebhookSecrets, db: Db
) -> None:
    await teller.cancelled()
    [unseen] = await teller.claim()
    first = await secrets.show(teller.user.user_id)
    second = await secrets.show(teller.user.user_id)
    third = await secrets.show(teller.user.user_id)
    await db.raw(SOON)
    [all_three] = await teller.claim()
    await db.raw(SOON + "; UPDATE webhook_secrets SET old_until = now()")
    [one] = await teller.claim()

    assert (unseen.message.secrets, first.previous_until) == ([first.secret], None)
    assert len({first.secret, second.secret, third.secret}) == 3
    assert all_three.message.secrets == [third.secret, second.secret, first.secret]
    assert one.message.secrets == [third.secret]
    assert first.secret not in repr(first)


async def test_under_another_secret_of_the_server_a_new_one_is_made(teller: Teller, db: Db) -> None:
    await teller.cancelled()
    moved = WebhookSecrets(db, "t" * 32)

    shown = await moved.show(teller.user.user_id)

    [claimed] = await Webhooks(db, moved).claim(WIDE, limit=9)
    assert claimed.message.secrets == [shown.secret]
