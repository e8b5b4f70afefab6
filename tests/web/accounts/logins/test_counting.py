"""Under what a knock is counted, and where."""

import asyncio
from typing import Any

import httpx
import pytest

from tests.support.valkey import Valkey
from tests.web.accounts.logins.conftest import DEFAULTS, Place, Somewhere
from tests.web.conftest import Serve, Site, fresh_email
from web.accounts.logins import network_of


async def test_every_way_of_writing_an_address_is_one_account(place: Somewhere) -> None:
    attacker, email = place(), fresh_email()
    forms = [email, email.upper(), f" {email}", email.replace("u", "\uff55"), email.title()] * 2

    assert [await attacker.log_in(form, "wrong horse") for form in forms] == [401] * 5 + [429] * 5


async def test_guesses_at_once_are_counted_before_they_are_judged(place: Somewhere) -> None:
    attacker, email = place(), fresh_email()

    answers = await asyncio.gather(*(attacker.log_in(email, "wrong horse") for _ in range(50)))

    assert sorted(answers) == [401] * 5 + [429] * 45


@pytest.mark.parametrize(
    ("header", "said"),
    [("X-Forwarded-For", "1.2.3.{}"), ("Forwarded", "for=1.2.3.{}"), ("X-Real-IP", "1.2.3.{}")],
)
async def test_what_a_client_says_of_its_address_is_not_believed(
    place: Somewhere, header: str, said: str
) -> None:
    attacker, email = place(), fresh_email()
    answers: list[int] = []
    for number in range(7):
        attacker.http.headers[header] = said.format(number)
        answers.append(await attacker.log_in(email, "wrong horse"))

    assert answers == [401] * 5 + [429] * 2


async def test_behind_a_trusted_proxy_its_word_counts(serve: Serve) -> None:
    async with serve(auth=DEFAULTS, server={"trusted_proxies": ["127.9.0.0/16"]}) as site:
        proxy, email = Place(site), fresh_email()
        answers: list[int] = []
        for client in ["1.2.3.4"] * 7 + ["1.2.3.5", "not an address"]:
            # What stands to the left the client may have written itself.
            proxy.http.headers["X-Forwarded-For"] = f"6.6.6.{len(answers)}, {client}"
            answers.append(await proxy.log_in(email, "wrong horse"))
        await proxy.http.aclose()

    assert answers == [401] * 5 + [429] * 2 + [401] * 2


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2:ffff::", "2001:db8:1:2::/64"),
        ("2001:db8:1:3::", "2001:db8:1:3::/64"),
        (None, ""),
        ("unix:", ""),
        ("7.7.7.007", ""),
    ],
)
def test_an_address_counts_with_its_network(address: str | None, network: str) -> None:
    assert network_of(address) == network


async def test_all_processes_count_together(serve: Serve, place: Somewhere, strict: Site) -> None:
    secret = strict.settings.auth.secret.get_secret_value()
    attacker, email = place(), fresh_email()
    async with serve(auth=DEFAULTS | {"secret": secret}) as second:
        answers = await attacker.guess(email, 3)
        attacker.http.base_url = httpx.URL(f"{second.url}/api/v1")
        answers += await attacker.guess(email, 3)

    assert answers == [401] * 5 + [429]


async def test_no_key_tells_who_knocked(place: Somewhere, strict: Site) -> None:
    somebody, email = place(), fresh_email()
    await somebody.register(email)
    await somebody.log_in(email)
    await somebody.guess(email, 1)

    redis: Any = strict.front.services.redis
    keys = [str(key) async for key in redis.scan_iter("vasset:knocks:*")]
    members = [await redis.zrange(key, 0, -1) for key in keys]

    assert keys
    told = f"{keys} {members}"
    assert email not in told
    assert somebody.address not in told
    assert all([await redis.pttl(key) > 0 for key in keys])


async def test_without_redis_the_process_counts_alone(serve: Serve) -> None:
    with Valkey() as valkey:
        async with serve(auth=DEFAULTS, redis={"url": valkey.url}) as site:
            attacker, owner, email = Place(site), Place(site), fresh_email()
            await owner.register(email)
            await asyncio.to_thread(valkey.kill)

            guesses = await attacker.guess(email, 8)
            right = [await owner.log_in(email) for _ in range(8)]
            for place in (attacker, owner):
                await place.http.aclose()

    assert guesses == [401] * 5 + [429] * 3
    assert right == [200] * 8
