"""A size takes the place of what was reserved for it, or has no room."""

import asyncio
from dataclasses import replace

import pytest

from domain.download import User
from domain.quotas import Quota
from storage.downloads import Downloads
from storage.quotas import Quotas
from tests.storage.books import begun, numbers

pytestmark = pytest.mark.usefixtures("one_day")


async def test_a_size_takes_the_place_of_what_was_reserved(
    small: Downloads, user: User, quotas: Quotas
) -> None:
    smaller, larger = await begun(small, user), await begun(small, user)

    fits = [await quotas.settle(smaller, 10), await quotas.settle(larger, 990)]

    assert fits == [True, True]
    assert await numbers(quotas, user) == (2, 0, 1_000, 2)


async def test_a_file_beyond_what_is_left_has_no_room(
    small: Downloads, user: User, quotas: Quotas
) -> None:
    first, second = await begun(small, user), await begun(small, user)

    fits = await asyncio.gather(quotas.settle(first, 600), quotas.settle(second, 600))

    assert sorted(fits) == [False, True]
    assert await quotas.settle(first if fits[0] else second, 600)
    assert await numbers(quotas, user) == (2, 0, 900, 2)


async def test_what_was_reserved_suffices_even_when_the_limit_was_lowered(
    small: Downloads, user: User, quotas: Quotas
) -> None:
    claim = await begun(small, user)
    await quotas.set(user.user_id, {Quota.ARCHIVE_BYTES: 0})

    assert await quotas.settle(claim, 300)
    assert not await quotas.settle(claim, 301)


async def test_a_claim_that_was_lost_changes_no_books(
    small: Downloads, user: User, quotas: Quotas
) -> None:
    claim = await begun(small, user)

    assert await quotas.settle(replace(claim, epoch=claim.epoch - 1), 5_000)
    assert await numbers(quotas, user) == (1, 0, 300, 1)
