"""One user with downloads of hours, and those who come after; on a real PostgreSQL."""

from domain.download import User
from domain.failures import SourceTroubleError
from domain.states import Stage
from storage.db import Db
from storage.downloads import Downloads
from storage.due import Due
from storage.limits import Turns
from storage.users import Users
from tests.storage.conftest import HASH
from tests.storage.rows import submit

TURNS = Turns(slots=4, per_user=4, newcomer_slots=1)


async def start_all(downloads: Downloads, due: Due, turns: Turns = TURNS) -> list[int]:
    """Start whatever has a turn, as a worker does, and return it."""
    started: list[int] = []
    while waiting := await due.next_turns(turns):
        for history_id in waiting:
            claim = await downloads.claim(history_id, Stage.ACQUIRE_PROXY, holder="h", turns=turns)
            assert claim is not None
            started.append(history_id)
    return started


async def newcomer(db: Db, name: str) -> User:
    user = await Users(db).add(f"{name}@example.com", password_hash=HASH)
    assert user is not None
    return user


async def test_a_newcomer_starts_at_once_beside_a_user_who_would_fill_the_node(
    db: Db, downloads: Downloads, due: Due, user: User
) -> None:
    greedy = [await submit(downloads, user) for _ in range(8)]

    held = await start_all(downloads, due)
    one = await submit(downloads, await newcomer(db, "bob"))
    begun = await start_all(downloads, due)

    assert held == greedy[:3]
    assert begun == [one]


async def test_the_slot_that_is_kept_goes_from_newcomer_to_newcomer(
    db: Db, downloads: Downloads, due: Due, user: User
) -> None:
    for _ in range(8):
        await submit(downloads, user)
    await start_all(downloads, due)
    order: list[int] = []

    # None of the long ones ever ends; each newcomer's short one does.
    wished = [await submit(downloads, await newcomer(db, f"n{n}")) for n in range(5)]
    for _ in wished:
        (begun,) = await start_all(downloads, due)
        order.append(begun)
        await db.raw(
            "UPDATE download_history SET status = 0, claim_until = NULL, finished_at = now(),"
            f" error_code = '{SourceTroubleError.code.value}' WHERE history_id = {begun}"
        )

    assert order == wished


async def test_neither_a_wake_up_nor_another_node_gives_a_second_download_the_kept_slot(
    db: Db, downloads: Downloads, due: Due, user: User
) -> None:
    ids = [await submit(downloads, user) for _ in range(4)]
    await start_all(downloads, due)

    refused = await downloads.claim(ids[3], Stage.ACQUIRE_PROXY, holder="h", turns=TURNS)
    only_slot = Turns(slots=1, per_user=4)
    elsewhere = await Due(db, node="node-b").next_turns(only_slot)

    assert refused is None
    # A node with a single slot keeps none.
    assert elsewhere == [ids[3]]
