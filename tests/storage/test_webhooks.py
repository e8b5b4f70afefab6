"""What is told of which end, who may tell it when, and what becomes of it."""

import asyncio
from collections import Counter
from datetime import timedelta

import pytest

from domain.download import Digest
from domain.failures import SourceGoneError
from domain.webhooks import Answer, Fault
from storage.db import DatabaseError, Db
from storage.downloads import Asset
from storage.due import Due
from storage.users import Users
from storage.webhooks import KEEP, REPLAYS, Bounds, Replay
from tests.storage.conftest import HASH
from tests.storage.rows import claim_first, submit, until_claim_ends
from tests.storage.telling import HOOK, Teller

DONE, DOWN = Answer(http_status=200), Answer(http_status=500, fault=Fault.STATUS)
ASSET = Asset(file_path="/p", file_name="n", inode=1, digest=Digest(md5="0" * 32, size_bytes=1))


async def test_every_way_to_end_is_told_and_no_other_move(teller: Teller, db: Db, due: Due) -> None:
    downloads = teller.downloads
    failed = await teller.running()
    await downloads.fail(failed, SourceGoneError())
    stopped = await teller.running()
    await downloads.cancel(stopped.history_id, teller.user.user_id)
    await downloads.end_cancelled(stopped)
    abandoned = await teller.running()
    await downloads.cancel(abandoned.history_id, teller.user.user_id)
    await until_claim_ends(db, abandoned.history_id)
    await due.end_cancel_wishes()
    withdrawn = await teller.cancelled()
    await downloads.retry(withdrawn, teller.user.user_id)
    await downloads.cancel(withdrawn, teller.user.user_id)
    ready = await teller.running()
    async with db.transaction() as statements:
        await downloads.finish(statements, ready, ASSET, quick_ttl=timedelta(0))
    await due.set_expired([ready.history_id])
    back = await teller.running()
    await downloads.put_back(back, error=None, delay=timedelta(0))
    silent = await claim_first(downloads, await submit(downloads, teller.user))
    await downloads.fail(silent, SourceGoneError())

    ids = [failed.history_id, stopped.history_id, abandoned.history_id, withdrawn]
    assert [await teller.events(each) for each in ids] == [
        ["download.failed"],
        ["download.cancelled"],
        ["download.cancelled"],
        ["download.cancelled", "download.cancelled"],
    ]
    assert await teller.events(ready.history_id) == ["download.completed", "download.expired"]
    assert await teller.events(back.history_id) == await teller.events(silent.history_id) == []


async def test_an_end_that_is_taken_back_is_not_told(teller: Teller, db: Db) -> None:
    ready = await teller.running()

    async def finish_and_break() -> None:
        async with db.transaction() as statements:
            await teller.downloads.finish(statements, ready, ASSET, quick_ttl=timedelta(0))
            raise ConnectionError

    with pytest.raises(DatabaseError):
        await finish_and_break()

    assert await teller.events(ready.history_id) == []


async def test_with_the_record_goes_what_was_to_be_told_of_it(teller: Teller) -> None:
    held, waiting, running = (
        await teller.cancelled(),
        await teller.cancelled(),
        await teller.running(),
    )
    other = await teller.cancelled()
    [claimed] = await teller.claim(limit=1)

    for history_id in (held, waiting, running.history_id):
        await teller.downloads.hide(history_id, teller.user.user_id)
    await teller.downloads.end_cancelled(running)

    assert await teller.webhooks.settle(claimed, DONE, wait=None) is None
    assert [each.history_id for each in await teller.claim()] == [other]


async def test_of_many_claims_at_once_each_delivery_has_one(teller: Teller) -> None:
    ids = [await teller.cancelled(f"https://h{n}.example/") for n in range(9)]

    claims = await asyncio.gather(*(teller.claim(limit=2) for _ in range(9)))

    assert sorted(each.history_id for some in claims for each in some) == sorted(ids)


async def test_no_host_and_no_user_takes_what_is_for_all(teller: Teller, db: Db) -> None:
    bob = await Users(db).add("bob@example.com", password_hash=HASH)
    for _ in range(6):
        await teller.cancelled("https://dead.example/x")
    for number in range(6):
        await teller.cancelled(f"https://dead{number}.example/")
    for _ in range(3):
        await teller.cancelled("https://DEAD.example/y", bob)
    bounds = Bounds(per_lane=2, per_user=5, per_host=3)

    first = await teller.claim(bounds, limit=4)
    rest = [each for _ in range(3) for each in await teller.claim(bounds)]

    hosts = Counter(each.url.lower().split("/")[2] for each in first + rest)
    owners = Counter(each.history_id > 12 for each in first + rest)
    assert hosts["dead.example"] == 3
    assert (owners[False], owners[True]) == (5, 1)


async def test_a_claim_that_was_lost_changes_nothing(teller: Teller, db: Db) -> None:
    await teller.cancelled()
    [late] = await teller.claim()
    assert await teller.claim() == []
    await db.raw(
        "UPDATE webhook_deliveries SET claimed_until = now() - interval '1 second',"
        " tried_at = tried_at - interval '1 hour', created_at = created_at - interval '1 year'"
    )
    [heir] = await teller.claim()

    assert await teller.webhooks.settle(late, DONE, wait=None) is None
    assert await teller.webhooks.settle(heir, DOWN, wait=timedelta(hours=1)) == "pending"
    assert await teller.webhooks.settle(heir, DONE, wait=None) is None
    assert late.age < timedelta(minutes=1) < timedelta(hours=1) < heir.age < timedelta(days=1)
    assert (heir.tries, await teller.claim()) == (2, [])
    assert [tuple(row.values()) for row in await teller.webhooks.counts()] == [("status", 1)]


async def test_a_disabled_account_and_a_lost_secret_are_seen_at_each_attempt(
    teller: Teller, db: Db
) -> None:
    await teller.cancelled()
    await db.raw("UPDATE users SET disabled_at = now(); UPDATE webhook_secrets SET sealed = 'x'")

    [claimed] = await teller.claim()

    assert claimed.is_disabled
    assert claimed.message.secrets == []
    assert HOOK not in repr(claimed)


async def test_of_many_replays_at_once_only_so_many_are_begun(teller: Teller, db: Db) -> None:
    for number in range(REPLAYS + 5):
        await teller.cancelled(f"https://h{number}.example/")
    ids = [
        each.delivery_id for each in await teller.claim(Bounds(per_lane=9, per_user=99, per_host=9))
    ]
    user_id = teller.user.user_id
    pending = await teller.webhooks.replay(ids[0], user_id)
    await db.raw("UPDATE webhook_deliveries SET status = 'failed', claimed_until = NULL")

    said = Counter(await asyncio.gather(*(teller.webhooks.replay(each, user_id) for each in ids)))

    assert pending is Replay.PENDING
    assert said == {Replay.BEGUN: REPLAYS, Replay.TOO_MANY: 5}
    [again, *_] = await teller.claim(limit=1)
    assert (again.tries, again.epoch, again.age < timedelta(minutes=1)) == (1, 2, True)


async def test_what_ended_long_ago_is_forgotten(teller: Teller, db: Db) -> None:
    old, waiting, new = [await teller.cancelled() for _ in range(3)]
    age = f"created_at = now() - interval '{KEEP.days} days 1 second'"
    await db.raw(
        f"UPDATE webhook_deliveries SET {age} WHERE history_id <> {new};"
        f"UPDATE webhook_deliveries SET status = 'failed' WHERE history_id <> {waiting}"
    )

    assert await teller.webhooks.forget() == 1
    assert [await teller.events(each) for each in (old, waiting, new)] == [
        [], ["download.cancelled"], ["download.cancelled"],
    ]  # fmt: skip
