"""Room on the disks is reserved by the claim, and given back by whatever ends it."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta

import pytest

from domain.download import Digest, Download, User
from domain.failures import DiskFullError, SourceGoneError
from domain.states import Stage
from storage.db import Db
from storage.disk import Disk
from storage.downloads import Asset, Downloads
from storage.due import Due
from storage.limits import Turns
from storage.nodes import Nodes
from storage.room import Fit, Room
from tests.storage.clocked_node import MEDIA
from tests.storage.rows import claim_first, submit, until_claim_ends

EXPECTED = 100
NEED = 2 * EXPECTED  # A merge holds the parts and the whole.
TURNS = Turns(slots=50, per_user=50, expected_bytes=EXPECTED)


async def tell(db: Db, room_bytes: int, *, node: str = "node-a", staging_bytes: int = 0) -> None:
    """Let a node measure a disk of a thousand bytes on which there is so much room."""
    free = room_bytes - staging_bytes
    disk = Disk(total_bytes=1_000, free_bytes=free, staging_bytes=staging_bytes, spare_bytes=0)
    await Nodes(db).beat(node, "", sandbox="full", disk=disk)


async def claimed(downloads: Downloads, history_id: int) -> Download | None:
    return await downloads.claim(history_id, Stage.ACQUIRE_PROXY, holder="h", turns=TURNS)


async def test_of_eight_claims_at_once_only_what_has_room_is_granted(
    downloads: Downloads, db: Db, user: User
) -> None:
    await tell(db, NEED + NEED // 2)
    ids = [await submit(downloads, user) for _ in range(8)]

    claims = await asyncio.gather(*(claimed(downloads, one) for one in ids))

    assert sum(claim is not None for claim in claims) == 1
    rows = [await downloads.of_user(one, user.user_id) for one in ids]
    # The others wait, and it has cost them nothing.
    assert sorted(row["attempts"] for row in rows if row) == [0] * 7 + [1]


async def test_a_node_that_has_not_told_takes_everything(
    downloads: Downloads, db: Db, user: User
) -> None:
    await Nodes(db).beat("node-a", "", sandbox="full")
    ids = [await submit(downloads, user) for _ in range(3)]

    assert all([await claimed(downloads, one) for one in ids])


async def fails(downloads: Downloads, claim: Download, _due: Due, _db: Db) -> None:
    assert await downloads.fail(claim, SourceGoneError())


async def is_put_back(downloads: Downloads, claim: Download, _due: Due, _db: Db) -> None:
    assert await downloads.put_back(claim, error=None, delay=timedelta(hours=1))


async def dies(_downloads: Downloads, claim: Download, due: Due, db: Db) -> None:
    await until_claim_ends(db, claim.history_id)
    assert len(await due.take_back()) == 1


@pytest.mark.parametrize("ends", [fails, is_put_back, dies])
async def test_what_ends_gives_its_room_back(
    downloads: Downloads,
    due: Due,
    db: Db,
    user: User,
    ends: Callable[[Downloads, Download, Due, Db], Awaitable[None]],
) -> None:
    await tell(db, NEED)
    first, second = [await submit(downloads, user) for _ in range(2)]
    claim = await claim_first(downloads, first, TURNS)
    assert await claimed(downloads, second) is None

    await ends(downloads, claim, due, db)

    assert await claimed(downloads, second) is not None


async def test_one_that_has_no_room_does_not_hold_up_those_behind_it(
    downloads: Downloads, due: Due, db: Db, user: User
) -> None:
    await tell(db, NEED)
    large, small = [await submit(downloads, user) for _ in range(2)]
    async with db.transaction() as statements:
        await Room(db).estimate(statements, large, EXPECTED + 1)

    assert await due.next_turns(TURNS) == [small]
    await tell(db, 10 * NEED)
    assert await due.next_turns(TURNS) == [large, small]


async def test_a_size_that_becomes_known_is_reserved_if_it_fits(
    downloads: Downloads, db: Db, user: User
) -> None:
    await tell(db, 3 * NEED)
    first, second = [
        await claim_first(downloads, await submit(downloads, user), TURNS) for _ in range(2)
    ]

    assert await Room(db).expect(first, 2 * EXPECTED) is Fit.FITS
    assert await Room(db).expect(second, EXPECTED + 1) is Fit.FULL
    assert await Room(db).expect(first, EXPECTED // 2) is Fit.FITS
    assert await Room(db).expect(second, 2 * EXPECTED) is Fit.FITS


async def test_of_several_that_grow_at_once_one_has_the_room(
    downloads: Downloads, db: Db, user: User
) -> None:
    await tell(db, 4 * NEED)
    claims = [await claim_first(downloads, await submit(downloads, user), TURNS) for _ in range(3)]

    fits = await asyncio.gather(*(Room(db).expect(claim, 2 * EXPECTED) for claim in claims))

    # The first may, and the others see what it took.
    assert fits.count(Fit.FITS) == 1


async def test_what_did_not_fit_is_claimed_where_it_does(
    downloads: Downloads, db: Db, user: User
) -> None:
    await tell(db, NEED)
    await tell(db, 4 * NEED, node="node-b")
    history_id = await submit(downloads, user)
    claim = await claim_first(downloads, history_id, TURNS)
    assert await Room(db).expect(claim, 2 * EXPECTED) is Fit.FULL
    await downloads.put_back(claim, error=DiskFullError(), delay=timedelta(0))

    assert await claimed(downloads, history_id) is None
    assert await claimed(Downloads(db, node="node-b"), history_id) is not None


async def test_a_file_larger_than_every_disk_is_hopeless(
    downloads: Downloads, db: Db, user: User
) -> None:
    await tell(db, NEED)
    claim = await claim_first(downloads, await submit(downloads, user), TURNS)

    assert await Room(db).expect(claim, 501) is Fit.HOPELESS
    await Nodes(db).beat("node-b", "", sandbox="full")  # It has not told how large its disk is.
    assert await Room(db).expect(claim, 501) is Fit.FULL


async def test_who_has_lost_the_claim_reserves_nothing(
    downloads: Downloads, due: Due, db: Db, user: User
) -> None:
    await tell(db, NEED)
    claim = await claim_first(downloads, await submit(downloads, user), TURNS)
    await dies(downloads, claim, due, db)

    assert await Room(db).expect(claim, 1) is None


async def test_a_finished_file_takes_its_room_until_the_node_measures_again(
    downloads: Downloads, db: Db, user: User
) -> None:
    await tell(db, NEED)
    first, second = [await submit(downloads, user) for _ in range(2)]
    claim = await claim_first(downloads, first, TURNS)
    await downloads.pass_on(claim, Stage.CHECKSUM, outcome=MEDIA)
    asset = Asset(
        file_path="/x", file_name="v.mp4", inode=1, digest=Digest(md5="0" * 32, size_bytes=1)
    )
    async with db.transaction() as statements:
        await downloads.finish(statements, claim, asset, quick_ttl=timedelta(hours=1))

    assert await claimed(downloads, second) is None
    await tell(db, NEED)
    assert await claimed(downloads, second) is not None


async def test_a_fetched_file_needs_its_own_size_only(
    downloads: Downloads, db: Db, user: User
) -> None:
    await tell(db, NEED + MEDIA.size_bytes)
    first, second = [await submit(downloads, user) for _ in range(2)]
    claim = await claim_first(downloads, first, TURNS)
    assert await claimed(downloads, second) is None

    await downloads.pass_on(claim, Stage.CHECKSUM, outcome=MEDIA)

    assert await claimed(downloads, second) is not None


async def has_room(db: Db) -> bool:
    async with db.transaction() as statements:
        return await Nodes(db).have_room(statements, EXPECTED)


async def test_there_is_room_while_one_node_that_takes_downloads_has_it(db: Db) -> None:
    none_lives = await has_room(db)
    await tell(db, NEED - 1)
    full = await has_room(db)
    await tell(db, 5 * NEED, staging_bytes=5 * NEED - 1)
    taken = await has_room(db)
    await tell(db, NEED, node="node-b")
    other = await has_room(db)
    await Nodes(db).set_draining("node-b", draining=True)
    drained = await has_room(db)
    await db.raw("UPDATE nodes SET heartbeat_at = now() - interval '61 s'")

    assert (none_lives, full, taken, other, drained) == (True, False, False, True, False)
    assert await has_room(db)


async def test_each_node_tells_what_is_reserved_and_what_is_left(
    downloads: Downloads, db: Db, user: User
) -> None:
    await tell(db, 3 * NEED)
    await claim_first(downloads, await submit(downloads, user), TURNS)

    (node,) = await Nodes(db).all()

    assert (node["reserved_bytes"], node["room_bytes"]) == (NEED, 2 * NEED)
