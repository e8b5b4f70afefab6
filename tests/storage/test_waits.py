"""What a download waits for, as its row and the limits say it."""

from dataclasses import replace
from datetime import datetime, timedelta
from time import time

from domain.download import User
from domain.failures import ProxyUnavailableError, SourceTroubleError
from domain.requests import Wish
from domain.states import Mode
from domain.twins import Share
from domain.waiting import Waiting, WaitReason
from storage.db import Db
from storage.downloads import Downloads
from storage.limits import Limited, Limits, Turns
from storage.waits import Waits
from tests.storage.rows import claim_first

MANY = Turns(slots=50, per_user=50, share=Share.USER)
A_WHILE = timedelta(minutes=5)


async def submit(downloads: Downloads, user: User, url: str = "https://a.example/v") -> int:
    return int((await downloads.submit(user.user_id, Mode.QUICK, Wish(url=url)))["history_id"])


async def wait_of(
    db: Db, downloads: Downloads, user: User, history_id: int, turns: Turns = MANY
) -> Waiting | None:
    rows = await downloads.watched(user.user_id, [])
    return (await Waits(db, turns).of(rows)).get(history_id)


def is_about(moment: datetime | None, ahead: timedelta) -> bool:
    return moment is not None and abs(moment.timestamp() - time() - ahead.total_seconds()) < 60


async def test_what_nothing_holds_back_waits_for_a_slot_and_what_runs_for_nothing(
    downloads: Downloads, db: Db, user: User
) -> None:
    running, queued = [await submit(downloads, user, f"https://a.example/{n}") for n in "12"]
    await claim_first(downloads, running, MANY)

    waits = await Waits(db, MANY).of(await downloads.watched(user.user_id, []))

    assert waits == {queued: Waiting(reason=WaitReason.SLOT, until=None)}


async def test_a_failed_attempt_waits_for_its_next_one(
    downloads: Downloads, db: Db, user: User
) -> None:
    history_id = await submit(downloads, user)
    claim = await claim_first(downloads, history_id, MANY)
    await downloads.put_back(claim, error=SourceTroubleError("Busy."), delay=A_WHILE)

    waiting = await wait_of(db, downloads, user, history_id)

    assert waiting is not None
    assert waiting.reason is WaitReason.RETRY
    assert is_about(waiting.until, A_WHILE)


async def test_a_proxy_that_failed_is_waited_for(downloads: Downloads, db: Db, user: User) -> None:
    history_id = await submit(downloads, user)
    claim = await claim_first(downloads, history_id, MANY)
    await downloads.put_back(claim, error=ProxyUnavailableError(), delay=A_WHILE)

    waiting = await wait_of(db, downloads, user, history_id)

    assert waiting is not None
    assert waiting.reason is WaitReason.PROXY


async def test_the_pause_that_ends_last_is_the_one_that_is_told(
    downloads: Downloads, db: Db, user: User
) -> None:
    history_id = await submit(downloads, user)
    claim = await claim_first(downloads, history_id, MANY)
    await downloads.put_back(claim, error=SourceTroubleError("Busy."), delay=A_WHILE)
    await Limits(db).cool(Limited.SITE, "a.example", 2 * A_WHILE)

    longer = await wait_of(db, downloads, user, history_id)
    await db.raw("UPDATE limits SET cooling_until = now() + interval '1 minute'")
    shorter = await wait_of(db, downloads, user, history_id)

    assert longer is not None
    assert shorter is not None
    assert (longer.reason, shorter.reason) == (WaitReason.SITE_COOLDOWN, WaitReason.RETRY)
    assert is_about(longer.until, 2 * A_WHILE)
    assert is_about(shorter.until, A_WHILE)


async def test_a_pause_of_the_provider_is_a_wait_for_a_proxy(
    downloads: Downloads, db: Db, user: User
) -> None:
    history_id = await submit(downloads, user)
    await Limits(db).cool(Limited.PROVIDER, "none", A_WHILE)

    waiting = await wait_of(db, downloads, user, history_id)

    assert waiting is not None
    assert waiting.reason is WaitReason.PROXY
    assert is_about(waiting.until, A_WHILE)


async def test_others_of_the_user_or_of_the_site_are_waited_for(
    downloads: Downloads, db: Db, user: User
) -> None:
    running, queued = [await submit(downloads, user, f"https://a.example/{n}") for n in "12"]
    await claim_first(downloads, running, MANY)

    of_user = await wait_of(db, downloads, user, queued, replace(MANY, per_user=1))
    of_site = await wait_of(db, downloads, user, queued, replace(MANY, per_site=1))

    assert of_user == Waiting(reason=WaitReason.USER_LIMIT, until=None)
    assert of_site == Waiting(reason=WaitReason.SITE_LIMIT, until=None)


async def test_the_second_of_two_that_are_the_same_waits_for_the_first(
    downloads: Downloads, db: Db, user: User
) -> None:
    first, second = [await submit(downloads, user) for _ in range(2)]

    waits = [await wait_of(db, downloads, user, history_id) for history_id in (first, second)]
    alone = await wait_of(db, downloads, user, second, replace(MANY, share=Share.OFF))

    assert [waiting and waiting.reason for waiting in waits] == [
        WaitReason.SLOT,
        WaitReason.DUPLICATE,
    ]
    assert alone == Waiting(reason=WaitReason.SLOT, until=None)
