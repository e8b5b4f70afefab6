import asyncio
import threading
from collections.abc import Generator

import pytest

from web.accounts.passwords import MAX_AT_ONCE, MAX_WAITING, BusyError, Passwords


@pytest.fixture
def passwords() -> Generator[Passwords]:
    passwords = Passwords()
    yield passwords
    passwords.close()


def at_work() -> int:
    return sum(thread.name.startswith("argon2") for thread in threading.enumerate())


async def test_a_crowd_is_told_at_once_that_it_is_one(passwords: Passwords) -> None:
    asked = (passwords.matches("correct horse", None) for _ in range(150))

    answers = await asyncio.gather(*asked, return_exceptions=True)

    refused = [answer for answer in answers if isinstance(answer, BusyError)]
    assert len(answers) - len(refused) == MAX_AT_ONCE + MAX_WAITING
    assert set(answers) - set(refused) == {False}
    assert await passwords.matches("correct horse", await passwords.hash("correct horse"))


async def test_those_who_hang_up_do_not_make_room_for_more_at_once(passwords: Passwords) -> None:
    before = at_work()

    for _ in range(10):
        waiting = [asyncio.create_task(passwords.hash("correct horse")) for _ in range(10)]
        await asyncio.sleep(0)
        for task in waiting:
            task.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)

    assert at_work() - before <= MAX_AT_ONCE
    assert await passwords.hash("correct horse")


async def test_each_hash_has_its_own_salt(passwords: Passwords) -> None:
    one, two = await passwords.hash("correct horse"), await passwords.hash("correct horse")

    assert one.split("$")[4] != two.split("$")[4]
