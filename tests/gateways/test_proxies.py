"""The providers, against a real HTTP service that plays the third party."""

import time
from collections.abc import AsyncGenerator, Generator
from datetime import timedelta

import pytest

from domain.failures import ProxyUnavailableError
from gateways.proxies.http import HttpProvider
from gateways.proxies.provider import parse_address
from gateways.proxies.static import StaticList
from tests.support.provider import Mood
from tests.support.provider import Provider as ThirdParty

PROXY = "http://user:s3cret@203.0.113.7:3128"


@pytest.fixture
def third_party() -> Generator[ThirdParty]:
    with ThirdParty([PROXY]) as third_party:
        yield third_party


@pytest.fixture
async def provider(third_party: ThirdParty) -> AsyncGenerator[HttpProvider]:
    provider = HttpProvider(
        third_party.endpoint, api_key=third_party.key, timeout=timedelta(seconds=0.5)
    )
    yield provider
    await provider.close()


@pytest.mark.parametrize("mood", [Mood.JSON, Mood.TEXT])
async def test_both_forms_of_an_answer_are_understood(
    provider: HttpProvider, third_party: ThirdParty, mood: Mood
) -> None:
    third_party.mood = mood

    lease = await provider.acquire(1)

    assert lease.url == PROXY
    assert lease.exit_name == "203.0.113.7:3128"


REFUSED = [mood for mood in Mood if mood not in (Mood.JSON, Mood.TEXT, Mood.SLOW, Mood.DRIP)]


@pytest.mark.parametrize("mood", REFUSED)
async def test_any_other_answer_is_no_proxy(
    provider: HttpProvider, third_party: ThirdParty, mood: Mood
) -> None:
    third_party.mood = mood

    with pytest.raises(ProxyUnavailableError) as refused:
        await provider.acquire(1)

    assert "s3cret" not in str(refused.value)
    assert third_party.key not in str(refused.value)


@pytest.mark.parametrize("mood", [Mood.SLOW, Mood.DRIP])
async def test_the_timeout_bounds_connect_read_and_parse_together(
    provider: HttpProvider, third_party: ThirdParty, mood: Mood
) -> None:
    third_party.mood, third_party.delay_s = mood, 5
    begun = time.monotonic()

    with pytest.raises(ProxyUnavailableError, match="in time"):
        await provider.acquire(1)

    assert time.monotonic() - begun < 3


async def test_a_wrong_key_is_refused_by_the_third_party(third_party: ThirdParty) -> None:
    provider = HttpProvider(third_party.endpoint, api_key="wrong", timeout=timedelta(seconds=2))

    with pytest.raises(ProxyUnavailableError, match="401"):
        await provider.acquire(1)

    await provider.close()


async def test_a_third_party_that_is_not_there_is_no_proxy() -> None:
    provider = HttpProvider("http://127.0.0.1:1/", api_key="k", timeout=timedelta(seconds=2))

    with pytest.raises(ProxyUnavailableError, match="reached"):
        await provider.acquire(1)

    await provider.close()


async def test_a_list_is_taken_in_turn() -> None:
    provider = StaticList(["http://a:1", "socks5://b:2"])

    exits = [(await provider.acquire(n)).exit_name for n in range(3)]

    assert exits == ["a:1", "b:2", "a:1"]


def test_an_empty_list_stops_the_start() -> None:
    with pytest.raises(ValueError, match=r"proxy\.list is empty"):
        StaticList([])


@pytest.mark.parametrize(
    "address",
    [
        "",
        "203.0.113.7:3128",
        "http://203.0.113.7",
        "http://:3128",
        "file:///etc/passwd",
        "javascript:alert(1)",
        "http://h:0",
        "http://h:99999",
        "http://u:p@h:1/path",
        "http://u:p@h:1?q=1",
        "http://u:p@h:1#f",
        "http://u:p\r\n@h:1",
        "http://u:" + "p" * 2_000 + "@h:1",
    ],
)
def test_what_is_no_address_of_a_proxy_is_refused_without_being_repeated(address: str) -> None:
    with pytest.raises(ProxyUnavailableError) as refused:
        parse_address(address)

    assert not address or address not in str(refused.value)


def test_a_lease_never_shows_its_password() -> None:
    assert "s3cret" not in repr(parse_address(PROXY))
