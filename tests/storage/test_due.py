"""What is due: turns, lost claims, lost wake-ups, expiry; on a real PostgreSQL."""

from datetime import timedelta

from domain.download import Digest, User
from domain.failures import SourceTroubleError
from domain.states import Stage, Status
from storage.db import Db
from storage.downloads import Asset, Downloads, Turns
from storage.due import Due
from storage.nodes import Nodes
from storage.users import Users
from tests.storage.conftest import HASH
from tests.storage.rows import TURNS, claim_first, submit, until_claim_ends

NOW = timedelta(0)


async def test_a_dead_holders_download_starts_again_as_a_new_attempt(
    db: Db, downloads: Downloads, due: Due, user: User
) -> None:
    dead = await claim_first(downloads, await submit(downloads, user))
    await until_claim_ends(db, dead.history_id)

    taken = await due.take_back()
    again = await claim_first(downloads, dead.history_id, on_trial=True)

    assert [download.history_id for download in taken] == [dead.history_id]
    assert (again.attempt, again.crashes) == (2, 1)


async def test_a_silent_nodes_work_returns_to_the_queue(
    db: Db, downloads: Downloads, user: User
) -> None:
    claim = await claim_first(downloads, await submit(downloads, user))
    await downloads.pass_on(claim, Stage.FETCH, outcome=None)
    await db.raw(
        "UPDATE nodes SET heartbeat_at = now() - interval '1 hour';"
        "UPDATE download_history SET woken_at = now() - interval '1 hour'"
    )
    await Nodes(db).beat("node-b", "", sandbox="full")

    taken = await Due(db, node="node-b").take_back()

    assert [download.history_id for download in taken] == [claim.history_id]


async def test_a_stop_costs_no_attempt(downloads: Downloads, user: User) -> None:
    claim = await claim_first(downloads, await submit(downloads, user))

    await downloads.put_back(claim, error=None, delay=NOW)
    again = await claim_first(downloads, claim.history_id)

    assert again.attempt == claim.attempt


async def test_a_failed_attempt_waits_for_its_delay(
    downloads: Downloads, due: Due, user: User
) -> None:
    claim = await claim_first(downloads, await submit(downloads, user))

    await downloads.put_back(claim, error=SourceTroubleError(), delay=timedelta(hours=1))

    refused = await downloads.claim(claim.history_id, Stage.ACQUIRE_PROXY, holder="h", turns=TURNS)
    assert refused is None
    assert await due.next_turns(TURNS) == []


async def test_a_lost_wake_up_is_heard_of_once(
    db: Db, downloads: Downloads, due: Due, user: User
) -> None:
    claim = await claim_first(downloads, await submit(downloads, user))
    await downloads.pass_on(claim, Stage.FETCH, outcome=None)
    await db.raw("UPDATE download_history SET woken_at = now() - interval '1 hour'")

    heard = [await due.unheard(), await due.unheard()]

    assert heard == [[(claim.history_id, Stage.FETCH)], []]


async def test_turns_go_round_the_users(db: Db, downloads: Downloads, due: Due, user: User) -> None:
    many = [await submit(downloads, user) for _ in range(5)]
    other = await _another_user(db)
    one = await submit(downloads, other)

    turns = await due.next_turns(Turns(slots=3, per_user=5))

    assert turns == [many[0], one, many[1]]


async def test_the_user_who_waited_longest_comes_before_the_one_just_served(
    db: Db, downloads: Downloads, due: Due, user: User
) -> None:
    served, *_ = [await submit(downloads, user) for _ in range(3)]
    one = await submit(downloads, await _another_user(db))
    claim = await claim_first(downloads, served)
    await downloads.fail(claim, SourceTroubleError())

    turns = await due.next_turns(Turns(slots=1, per_user=5))

    assert turns == [one]


async def test_a_wish_outlives_its_dead_holder(
    db: Db, downloads: Downloads, due: Due, user: User
) -> None:
    claim = await claim_first(downloads, await submit(downloads, user))
    await downloads.cancel(claim.history_id, user.user_id)
    await until_claim_ends(db, claim.history_id)

    taken, ended = await due.take_back(), await due.end_cancel_wishes()

    assert taken == []
    assert [download.status for download in ended] == [Status.CANCELLED]


async def test_expired_is_written_only_for_quick_downloads_past_their_time(
    db: Db, downloads: Downloads, due: Due, user: User
) -> None:
    claim = await claim_first(downloads, await submit(downloads, user))
    digest = Digest(md5="0" * 32, size_bytes=5)
    asset = Asset(file_path="/p", file_name="n.mp4", inode=1, digest=digest)
    async with db.transaction() as statements:
        await downloads.finish(statements, claim, asset, quick_ttl=timedelta(hours=24))

    early = await due.expired(9), await due.set_expired([claim.history_id])
    await db.raw("UPDATE download_history SET expire_at = now() - interval '1 second'")
    found, moved = await due.expired(9), await due.set_expired([claim.history_id])

    assert early == ([], [])
    assert [asset.history_id for asset in found] == [claim.history_id]
    assert [download.status for download in moved] == [Status.EXPIRED]


async def _another_user(db: Db) -> User:
    user = await Users(db).add("bob@example.com", password_hash=HASH)
    assert user is not None
    return user


async def test_ten_thousand_stuck_rows_do_not_starve_the_newest(
    downloads: Downloads, due: Due, db: Db, user: User
) -> None:
    other = await Users(db).add("bob@example.com", password_hash=HASH)
    assert other is not None
    # Half wait for an hour that has not come, half were held by a node that died.
    await db.raw(
        "INSERT INTO download_history (user_id, url, mode, not_before)"
        f" SELECT {user.user_id}, 'https://a.example', 'archive', now() + interval '1 hour'"
        " FROM generate_series(1, 5000);"
        "INSERT INTO download_history"
        " (user_id, url, mode, status, stage, storage_node, epoch, claim_until)"
        f" SELECT {user.user_id}, 'https://a.example', 'archive', 5, 'fetch', 'node-z', 1,"
        " now() - interval '1 minute' FROM generate_series(1, 5000)"
    )
    newest = await submit(downloads, other)

    batches = 0
    while await due.take_back():
        batches += 1
        assert newest in await due.next_turns(Turns(slots=2, per_user=2))

    assert batches == 10
    assert await due.take_back() == []
