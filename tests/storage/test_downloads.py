"""Claims and settlements, on a real PostgreSQL."""

import asyncio
from datetime import timedelta

import pytest

from domain.download import Digest, User
from domain.failures import (
    DrmProtectedError,
    FailureCode,
    RateLimitedError,
    SourceGoneError,
    SourceTroubleError,
)
from domain.states import Mode, Stage, Status
from storage.db import Db
from storage.downloads import Asset, Downloads, Turns
from storage.due import Due
from storage.nodes import Nodes
from tests.storage.rows import TURNS, claim_first, submit, until_claim_ends

NOW = timedelta(0)


async def test_a_submit_is_queued_and_its_first_stage_due(
    downloads: Downloads, due: Due, user: User
) -> None:
    history_id = await submit(downloads, user)

    row = await downloads.of_user(history_id, user.user_id)

    assert row is not None
    assert (row["status"], row["stage"]) == (Status.QUEUED, Stage.ACQUIRE_PROXY)
    assert await due.next_turns(TURNS) == [history_id]


async def test_one_of_many_claimers_gets_it(downloads: Downloads, user: User) -> None:
    history_id = await submit(downloads, user)

    claims = await asyncio.gather(
        *(
            downloads.claim(history_id, Stage.ACQUIRE_PROXY, holder=f"h{n}", turns=TURNS)
            for n in range(8)
        )
    )

    assert len([claim for claim in claims if claim is not None]) == 1


async def test_slots_hold_when_many_are_claimed_at_once(downloads: Downloads, user: User) -> None:
    turns = Turns(slots=3, per_user=9)
    ids = [await submit(downloads, user) for _ in range(9)]

    claims = await asyncio.gather(
        *(downloads.claim(n, Stage.ACQUIRE_PROXY, holder="h", turns=turns) for n in ids)
    )

    assert len([claim for claim in claims if claim is not None]) == 3


async def test_a_user_runs_no_more_than_his_share(downloads: Downloads, user: User) -> None:
    turns = Turns(slots=9, per_user=1)
    first, second = [await submit(downloads, user) for _ in range(2)]
    await claim_first(downloads, first, turns)

    refused = await downloads.claim(second, Stage.ACQUIRE_PROXY, holder="h", turns=turns)

    assert refused is None


async def test_a_draining_node_takes_nothing_new(
    db: Db, downloads: Downloads, due: Due, user: User
) -> None:
    history_id = await submit(downloads, user)
    await Nodes(db).set_draining("node-a", draining=True)

    refused = await downloads.claim(history_id, Stage.ACQUIRE_PROXY, holder="h", turns=TURNS)

    assert refused is None
    assert await due.next_turns(TURNS) == []


async def test_a_stage_passed_on_is_due_on_the_same_node_only(
    db: Db, downloads: Downloads, user: User
) -> None:
    claim = await claim_first(downloads, await submit(downloads, user))
    await downloads.pass_on(claim, Stage.FETCH, outcome=None)
    elsewhere = Downloads(db, node="node-b")

    theirs = await elsewhere.claim(claim.history_id, Stage.FETCH, holder="b", turns=TURNS)
    ours = await downloads.claim(claim.history_id, Stage.FETCH, holder="a", turns=TURNS)

    assert theirs is None
    assert ours is not None
    assert ours.epoch == claim.epoch + 1
    assert ours.attempt == claim.attempt


async def test_a_holder_whose_claim_was_taken_over_can_write_nothing(
    db: Db, downloads: Downloads, due: Due, user: User
) -> None:
    late = await claim_first(downloads, await submit(downloads, user))
    await until_claim_ends(db, late.history_id)
    await due.take_back()
    holder = await claim_first(downloads, late.history_id, on_trial=True)

    written = [
        await downloads.renew(late) is not None,
        await downloads.pass_on(late, Stage.FETCH, outcome=None),
        await downloads.put_back(late, error=None, delay=NOW),
        await downloads.repeat_stage(late, error=SourceTroubleError(), delay=NOW),
        await downloads.fail(late, SourceGoneError()),
        await downloads.end_cancelled(late),
        await downloads.let_go(late),
    ]
    async with db.transaction() as statements:
        written.append(await downloads.hold(statements, late))

    assert not any(written)
    assert await downloads.renew(holder) is False


async def test_a_claim_that_ran_out_cannot_be_renewed(
    db: Db, downloads: Downloads, user: User
) -> None:
    claim = await claim_first(downloads, await submit(downloads, user))
    await until_claim_ends(db, claim.history_id)

    assert await downloads.renew(claim) is None


async def test_a_queued_download_is_cancelled_at_once(downloads: Downloads, user: User) -> None:
    history_id = await submit(downloads, user)

    row = await downloads.cancel(history_id, user.user_id)

    assert row is not None
    assert row["status"] == Status.CANCELLED
    assert await downloads.cancel(history_id, user.user_id) is None


async def test_a_held_download_gets_a_wish_that_its_holder_sees(
    downloads: Downloads, user: User
) -> None:
    claim = await claim_first(downloads, await submit(downloads, user))

    row = await downloads.cancel(claim.history_id, user.user_id)

    assert row is not None
    assert row["status"] == Status.RUNNING
    assert await downloads.renew(claim) is True
    assert await downloads.end_cancelled(claim)


async def test_a_cancel_that_comes_before_the_record_stops_it(
    db: Db, downloads: Downloads, user: User
) -> None:
    claim = await claim_first(downloads, await submit(downloads, user))
    await downloads.cancel(claim.history_id, user.user_id)

    async with db.transaction() as statements:
        held = await downloads.hold(statements, claim)

    assert not held


@pytest.mark.parametrize(
    ("mode", "status"),
    [(Mode.QUICK, Status.PENDING_CLEANUP), (Mode.ARCHIVE, Status.COMPLETED)],
)
async def test_a_finish_writes_the_asset_and_its_end(
    db: Db, downloads: Downloads, user: User, mode: Mode, status: Status
) -> None:
    claim = await claim_first(downloads, await submit(downloads, user, mode))
    digest = Digest(md5="0" * 32, size_bytes=5)
    asset = Asset(file_path="/p", file_name="n.mp4", inode=1, digest=digest)

    async with db.transaction() as statements:
        assert await downloads.hold(statements, claim)
        await downloads.finish(statements, claim, asset, quick_ttl=timedelta(hours=24))

    row = await downloads.of_user(claim.history_id, user.user_id)
    assert row is not None
    assert (row["status"], row["file_size"], row["file_hash"]) == (status, 5, "0" * 32)
    assert (row["expire_at"] is not None) == (mode is Mode.QUICK)


async def test_a_wish_that_comes_before_the_settlement_keeps_it_from_being_handed_on(
    downloads: Downloads, user: User
) -> None:
    claim = await claim_first(downloads, await submit(downloads, user))
    await downloads.cancel(claim.history_id, user.user_id)

    written = [
        await downloads.pass_on(claim, Stage.FETCH, outcome=None),
        await downloads.put_back(claim, error=None, delay=NOW),
        await downloads.repeat_stage(claim, error=SourceTroubleError(), delay=NOW),
    ]

    assert not any(written)
    assert await downloads.renew(claim) is True


async def test_what_yt_dlp_said_is_kept_with_the_run_that_failed(
    downloads: Downloads, user: User
) -> None:
    history_id = await submit(downloads, user)
    error = DrmProtectedError()
    error.detail = "ERROR: This video is DRM protected"
    claim = await downloads.claim(history_id, Stage.ACQUIRE_PROXY, holder="a", turns=TURNS)
    assert claim is not None

    await downloads.fail(claim, error)

    (run,) = await downloads.runs(history_id)
    assert (run["outcome"], run["detail"]) == ("drm_protected", error.detail)


async def test_an_attempt_knows_how_the_one_before_it_ended(
    downloads: Downloads, user: User
) -> None:
    claim = await claim_first(downloads, await submit(downloads, user))
    await downloads.put_back(claim, error=RateLimitedError(), delay=NOW)

    again = await downloads.claim(claim.history_id, Stage.ACQUIRE_PROXY, holder="a", turns=TURNS)

    assert claim.last_code is None
    assert again is not None
    assert again.last_code is FailureCode.RATE_LIMITED
