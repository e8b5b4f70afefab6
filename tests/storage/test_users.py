"""Refresh tokens, when their thief and their owner meet."""

import asyncio
from collections.abc import Callable
from datetime import timedelta

from domain.download import User
from storage.audit import Action, Searched, Trail
from storage.db import Db
from storage.users import Users, hash_of
from tests.support.waiting import eventually

TTL = timedelta(days=1)


async def test_a_thief_who_renews_in_that_very_moment_does_not_outlive_a_second_use(
    db: Db, other_db: Db, user: User, waiting: Callable[[], int]
) -> None:
    users = Users(db)
    stolen = await users.give_refresh(user, TTL)
    exchanged = await users.exchange_refresh(stolen, TTL)
    assert exchanged is not None

    async with other_db.transaction() as thief:
        values = {"token_hash": hash_of(exchanged[1]), "next_hash": hash_of("the thief's next")}
        assert await thief.one("refresh_exchange", ttl_s=TTL.total_seconds(), **values)
        second_use = asyncio.create_task(users.exchange_refresh(stolen, TTL))
        await eventually(waiting)

    assert await second_use is None
    assert await users.exchange_refresh("the thief's next", TTL) is None


async def test_a_second_use_of_a_refresh_token_is_written_down(db: Db, user: User) -> None:
    users = Users(db)
    token = await users.give_refresh(user, TTL)
    for _ in range(3):
        await users.exchange_refresh(token, TTL)

    wanted = Searched(action=Action.TOKEN_REUSED)
    [entry] = await Trail(db).page(wanted, before=2**63 - 1, limit=10)
    assert entry["user_id"] == user.user_id
