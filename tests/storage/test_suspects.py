"""Whose claims are freed with a crash, and when a suspect is tried; on a real PostgreSQL."""

from dataclasses import replace
from datetime import timedelta

from domain.download import Download, User
from domain.failures import SourceTroubleError
from domain.policy import MAX_CRASHES, PROMPT_TRIALS
from domain.states import Stage, Status
from storage.db import Db
from storage.downloads import Downloads
from storage.due import Due
from storage.nodes import Nodes
from tests.storage.rows import TURNS, claim_first, submit, until_claim_ends


async def suspect(db: Db, downloads: Downloads, due: Due, user: User) -> int:
    """Return a download whose holder has died once."""
    claim = await claim_first(downloads, await submit(downloads, user))
    await until_claim_ends(db, claim.history_id)
    assert len(await due.take_back()) == 1
    return claim.history_id


async def row(downloads: Downloads, claim: Download) -> dict[str, object]:
    found = await downloads.of_user(claim.history_id, claim.user_id)
    assert found is not None
    return dict(found)


async def test_a_suspect_is_claimed_on_trial_only_and_has_no_turn(
    db: Db, downloads: Downloads, due: Due, user: User
) -> None:
    history_id = await suspect(db, downloads, due, user)

    turns = await due.next_turns(TURNS)
    beside = await downloads.claim(history_id, Stage.ACQUIRE_PROXY, holder="h", turns=TURNS)
    alone = await claim_first(downloads, history_id, on_trial=True)

    assert (turns, beside) == ([], None)
    assert (alone.crashes, alone.lone_crashes) == (1, 0)


async def test_suspects_are_tried_one_at_a_time_beside_full_slots(
    db: Db, downloads: Downloads, due: Due, user: User
) -> None:
    one, two = [await suspect(db, downloads, due, user) for _ in range(2)]
    others = [await claim_first(downloads, await submit(downloads, user)) for _ in range(2)]

    tried = await claim_first(downloads, one, on_trial=True)
    refused = await downloads.claim(
        two, Stage.ACQUIRE_PROXY, holder="h", turns=TURNS, on_trial=True
    )
    for other in others:
        await downloads.fail(other, SourceTroubleError())
    await db.raw("UPDATE download_history SET trial_until = now() - interval '1 second'")
    next_one = await claim_first(downloads, two, on_trial=True)

    assert refused is None
    assert (tried.history_id, next_one.history_id) == (one, two)


async def test_a_stage_that_succeeds_where_it_died_clears_the_suspicion(
    db: Db, downloads: Downloads, due: Due, user: User
) -> None:
    claim = await claim_first(downloads, await submit(downloads, user))
    await downloads.pass_on(claim, Stage.FETCH, outcome=None)
    await downloads.claim(claim.history_id, Stage.FETCH, holder="h", turns=TURNS)
    await until_claim_ends(db, claim.history_id)
    await due.take_back()

    first = await claim_first(downloads, claim.history_id, on_trial=True)
    await downloads.pass_on(first, Stage.FETCH, outcome=None)
    before = (await row(downloads, claim))["crashes"]
    fetch = await downloads.claim(
        claim.history_id, Stage.FETCH, holder="h", turns=TURNS, on_trial=True
    )
    assert fetch is not None
    await downloads.pass_on(fetch, Stage.CHECKSUM, outcome=None)
    after = (await row(downloads, claim))["crashes"]

    assert (before, after) == (1, 0)


async def test_a_claim_that_ran_out_though_its_holder_lives_is_no_crash(
    db: Db, downloads: Downloads, due: Due, user: User
) -> None:
    # As after a COMMIT whose answer was lost: the holder does not know that it holds the row.
    claim = await claim_first(downloads, await submit(downloads, user))
    await until_claim_ends(db, claim.history_id)

    lapsed = await due.lapsed_holders()
    taken = await due.take_back(alive=lapsed)

    assert lapsed == ["h"]
    assert [(each.history_id, each.crashes) for each in taken] == [(claim.history_id, 0)]
    assert await due.next_turns(TURNS) == [claim.history_id]


async def test_a_death_that_was_seen_is_written_at_once_and_blamed_on_who_was_alone(
    downloads: Downloads, due: Due, user: User
) -> None:
    claim = await claim_first(downloads, await submit(downloads, user))

    ended_well = await due.release("another")
    (taken,) = await due.bury("h", is_alone=True)

    assert ended_well == []
    assert (taken.history_id, taken.status) == (claim.history_id, Status.QUEUED)
    assert (taken.crashes, taken.lone_crashes) == (1, 1)


async def test_what_is_fetched_stays_where_it_is_when_its_holder_dies(
    db: Db, downloads: Downloads, due: Due, user: User
) -> None:
    claims = [await claim_first(downloads, await submit(downloads, user)) for _ in range(2)]
    whole, fetched = [replace(claim, stage=Stage.FETCH) for claim in claims]
    for claim in (whole, fetched):
        await downloads.pass_on(claim, Stage.FETCH, outcome=None)
        assert await downloads.claim(claim.history_id, Stage.FETCH, holder="h", turns=TURNS)
    await downloads.pass_on(replace(fetched, epoch=fetched.epoch + 1), Stage.CHECKSUM, outcome=None)
    assert await downloads.claim(fetched.history_id, Stage.CHECKSUM, holder="h", turns=TURNS)
    for claim in claims:
        await until_claim_ends(db, claim.history_id)

    await due.take_back(keep=[whole.history_id])

    kept = [await row(downloads, claim) for claim in (whole, fetched)]
    assert [(each["status"], each["stage"]) for each in kept] == [
        (Status.RUNNING, "fetch"),
        (Status.RUNNING, "checksum"),
    ]
    # Nobody wakes them but the trial; nor has each a minute's patience to wait for it.
    assert {n for n, _ in await due.suspects()} == {each["history_id"] for each in kept}
    assert await due.unheard(timedelta(0)) == []


async def test_an_outage_of_the_database_makes_no_suspects_of_another_nodes_downloads(
    db: Db, downloads: Downloads, user: User
) -> None:
    claims = [await claim_first(downloads, await submit(downloads, user)) for _ in range(2)]
    back, dead = Due(db, node="node-b"), "UPDATE nodes SET heartbeat_at = now() - interval '1 hour'"
    await until_claim_ends(db, claims[0].history_id)
    await db.raw(dead)
    await Nodes(db).beat("node-b", "", sandbox="full")
    (unseen,) = await back.take_back()

    await until_claim_ends(db, claims[1].history_id)
    await db.raw("UPDATE nodes SET beating_since = now() - interval '1 hour'")
    (seen,) = await back.take_back()

    assert (unseen.crashes, seen.crashes) == (0, 1)


async def test_what_ran_when_a_whole_installation_died_is_a_suspect(
    downloads: Downloads, due: Due, user: User
) -> None:
    claim = await claim_first(downloads, await submit(downloads, user))

    await due.drop_claims()
    beside = await downloads.claim(claim.history_id, Stage.ACQUIRE_PROXY, holder="h", turns=TURNS)
    suspects = await due.suspects()
    alone = await claim_first(downloads, claim.history_id, on_trial=True)

    assert beside is None
    assert suspects == [(claim.history_id, Stage.ACQUIRE_PROXY)]
    assert (alone.crashes, alone.lone_crashes) == (1, 0)


async def test_what_ends_the_whole_installation_each_time_is_tried_ever_later_and_given_up(
    downloads: Downloads, due: Due, user: User
) -> None:
    history_id = await submit(downloads, user)
    await claim_first(downloads, history_id)
    waits: list[bool] = []

    for _ in range(MAX_CRASHES - 1):
        await due.drop_claims()
        waits.append(await due.suspects() == [])
        await claim_first(downloads, history_id, on_trial=True)
    await due.drop_claims()
    given_up = await due.suspects()

    assert waits == [False] * PROMPT_TRIALS + [True] * (MAX_CRASHES - 1 - PROMPT_TRIALS)
    assert given_up == [(history_id, Stage.ACQUIRE_PROXY)]


async def test_what_nobody_held_when_the_installation_died_is_no_suspect(
    downloads: Downloads, due: Due, user: User
) -> None:
    claim = await claim_first(downloads, await submit(downloads, user))
    assert await downloads.pass_on(claim, Stage.FETCH, outcome=None)

    await due.drop_claims()

    assert await due.suspects() == []
    found = await row(downloads, claim)
    assert (found["crashes"], found["stage"]) == (0, "fetch")
