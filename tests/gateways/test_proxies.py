"""The providers, against a real HTTP service that plays the third party."""

import asyncio
from collections.abc import AsyncGenerator, Generator
from dataclasses import replace
from datetime import timedelta
from ipaddress import ip_network

import pytest

from domain.addresses import AddressPolicy
from domain.failures import ProxyUnavailableError
from gateways.egress.judge import Judge
from gateways.proxies.answers import AnswerForm
from gateways.proxies.http import HttpProvider, HttpTerms
from gateways.proxies.provider import Need
from tests.support.provider import Mood
from tests.support.provider import Provider as ThirdParty
from tests.support.sink import Sink
from tests.support.waiting import eventually

PROXY = "http://user:s3cret@93.184.216.34:3128"
NEED = Need(history_id=7, site="video.example")
HASTE = timedelta(seconds=0.5)
PUBLIC = AddressPolicy(allow_private=(), ports=(80, 443), deny_hosts=())


@pytest.fixture
def third_party() -> Generator[ThirdParty]:
    with ThirdParty([PROXY]) as third_party:
        yield third_party


def terms_of(third_party: ThirdParty) -> HttpTerms:
    return HttpTerms(
        endpoint=third_party.endpoint,
        release="",
        key_in="bearer",
        api_key=third_party.key,
        timeout=timedelta(seconds=30),
        form=AnswerForm(),
    )


@pytest.fixture
async def provider(third_party: ThirdParty) -> AsyncGenerator[HttpProvider]:
    provider = HttpProvider(terms_of(third_party), Judge(PUBLIC))
    yield provider
    await provider.close()


@pytest.mark.parametrize("mood", [Mood.JSON, Mood.TEXT])
async def test_both_forms_of_an_answer_are_understood(
    provider: HttpProvider, third_party: ThirdParty, mood: Mood
) -> None:
    third_party.mood = mood

    lease = await provider.acquire(NEED)

    assert lease.url == PROXY
    assert (lease.exit_name, lease.is_own) == ("93.184.216.34:3128", False)


REFUSED = [mood for mood in Mood if mood not in (Mood.JSON, Mood.TEXT, Mood.SLOW, Mood.DRIP)]


@pytest.mark.parametrize("mood", REFUSED)
async def test_any_other_answer_is_no_proxy(
    provider: HttpProvider, third_party: ThirdParty, mood: Mood
) -> None:
    third_party.mood = mood

    with pytest.raises(ProxyUnavailableError) as refused:
        await provider.acquire(NEED)

    assert "s3cret" not in str(refused.value)
    assert third_party.key not in str(refused.value)


@pytest.mark.parametrize(
    ("mood", "reason"),
    [
        (Mood.UNPAID, "http_402"),
        (Mood.UNAUTHORIZED, "http_401"),
        (Mood.HTML, "bad_answer"),
        (Mood.HUGE, "bad_answer"),
        (Mood.REDIRECT, "http_302"),
        (Mood.CUT, "unreachable"),
    ],
)
async def test_a_failure_has_a_word_that_can_be_counted(
    provider: HttpProvider, third_party: ThirdParty, mood: Mood, reason: str
) -> None:
    third_party.mood = mood

    with pytest.raises(ProxyUnavailableError) as refused:
        await provider.acquire(NEED)

    assert refused.value.reason == reason


async def test_a_provider_that_asks_for_patience_is_given_it(
    provider: HttpProvider, third_party: ThirdParty
) -> None:
    third_party.mood = Mood.BUSY

    with pytest.raises(ProxyUnavailableError) as refused:
        await provider.acquire(NEED)

    assert refused.value.retry_after == timedelta(seconds=1)


@pytest.mark.parametrize("mood", [Mood.SLOW, Mood.DRIP])
async def test_the_timeout_bounds_connect_read_and_parse_together(
    third_party: ThirdParty, mood: Mood
) -> None:
    third_party.mood, third_party.delay_s = mood, 30
    provider = HttpProvider(replace(terms_of(third_party), timeout=HASTE), Judge(PUBLIC))

    with pytest.raises(ProxyUnavailableError, match="in time") as refused:
        await provider.acquire(NEED)
    is_complete = third_party.acquisitions[0].is_complete
    await provider.close()

    assert refused.value.reason == "timeout"
    assert not is_complete


async def test_a_third_party_that_is_not_there_is_no_proxy(third_party: ThirdParty) -> None:
    terms = replace(terms_of(third_party), endpoint="http://127.0.0.1:1/")
    provider = HttpProvider(terms, Judge(PUBLIC))

    with pytest.raises(ProxyUnavailableError, match="reached"):
        await provider.acquire(NEED)

    await provider.close()


@pytest.mark.parametrize("key_in", ["bearer", "header:X-Api-Key", "query:key"])
async def test_the_key_goes_where_the_third_party_wants_it(
    third_party: ThirdParty, key_in: str
) -> None:
    endpoint = third_party.url("/proxy") + "?site={site}&session={history_id}"
    provider = HttpProvider(
        replace(terms_of(third_party), key_in=key_in, endpoint=endpoint), Judge(PUBLIC)
    )

    await provider.acquire(NEED)
    await provider.close()

    query = third_party.acquisitions[-1].query
    assert (query["site"], query["session"]) == ("video.example", "7")


@pytest.mark.parametrize(
    "spoiled",
    [
        {"key_in": "cookie"},
        {"key_in": "header"},
        {"endpoint": ""},
        {"endpoint": "ftp://x/"},
        {"release": "DELETE file:///x"},
    ],
)
def test_terms_that_cannot_be_stop_the_start(
    third_party: ThirdParty, spoiled: dict[str, str]
) -> None:
    with pytest.raises(ValueError, match=r"proxy\."):
        HttpProvider(replace(terms_of(third_party), **spoiled), Judge(PUBLIC))


async def test_a_proxy_is_given_back_the_way_that_is_set(third_party: ThirdParty) -> None:
    release = "DELETE " + third_party.url("/leases/") + "{exit}/{history_id}"
    provider = HttpProvider(replace(terms_of(third_party), release=release), Judge(PUBLIC))

    lease = await provider.acquire(NEED)
    await provider.release(lease, 7)
    await provider.close()

    assert [request.path for request in third_party.releases] == ["/leases/93.184.216.34:3128/7"]


def releasing(
    third_party: ThirdParty, address: str, timeout: timedelta = timedelta(seconds=30)
) -> HttpProvider:
    """Return a provider that names its requests, with a release of this address."""
    terms = replace(
        terms_of(third_party),
        timeout=timeout,
        endpoint=third_party.endpoint + "?request={request_id}",
        release="DELETE " + third_party.url("/leases/") + address,
    )
    return HttpProvider(terms, Judge(PUBLIC))


async def test_a_proxy_that_comes_too_late_is_given_back(third_party: ThirdParty) -> None:
    third_party.mood, third_party.delay_s = Mood.SLOW, 1.5
    provider = releasing(third_party, "{exit}", HASTE)

    with pytest.raises(ProxyUnavailableError, match="in time"):
        await provider.acquire(NEED)
    await provider.drain()
    await provider.close()

    assert [request.path for request in third_party.releases] == ["/leases/93.184.216.34:3128"]


async def test_a_proxy_for_which_nobody_waits_any_more_is_given_back(
    third_party: ThirdParty,
) -> None:
    third_party.mood, third_party.delay_s = Mood.SLOW, 0.2
    provider = releasing(third_party, "{exit}")
    asker = asyncio.create_task(provider.acquire(NEED))
    await eventually(lambda: len(third_party.acquisitions) == 1)

    asker.cancel()
    await asyncio.gather(asker, return_exceptions=True)
    await provider.drain()
    await provider.close()

    assert len(third_party.releases) == 1


async def test_a_provider_that_is_closed_breaks_off_what_it_waits_for(
    third_party: ThirdParty,
) -> None:
    third_party.mood, third_party.delay_s = Mood.SLOW, 30
    provider = releasing(third_party, "{exit}", HASTE)
    with pytest.raises(ProxyUnavailableError, match="in time"):
        await provider.acquire(NEED)

    await provider.close()
    await provider.drain()

    assert third_party.releases == ()


async def test_a_proxy_that_we_refuse_is_given_back() -> None:
    with ThirdParty(["http://10.0.0.5:3128"]) as third_party:
        provider = releasing(third_party, "{exit}/{request_id}")

        with pytest.raises(ProxyUnavailableError) as refused:
            await provider.acquire(NEED)
        await provider.drain()
        await provider.close()

    request_id = third_party.acquisitions[0].query["request"]
    assert refused.value.reason == "forbidden_address"
    assert [request.path for request in third_party.releases] == [
        f"/leases/10.0.0.5:3128/{request_id}"
    ]


UNREADABLE = (Mood.WRONG_JSON, Mood.BROKEN_JSON, Mood.WRONG_ADDRESS, Mood.HTML, Mood.HUGE, Mood.CUT)


@pytest.mark.parametrize("mood", UNREADABLE)
async def test_an_answer_that_cannot_be_read_is_given_back_by_its_request(
    third_party: ThirdParty, mood: Mood
) -> None:
    third_party.mood = mood
    provider = releasing(third_party, "{request_id}")

    with pytest.raises(ProxyUnavailableError):
        await provider.acquire(NEED)
    await provider.drain()
    await provider.close()

    request_id = third_party.acquisitions[0].query["request"]
    assert [request.path for request in third_party.releases] == [f"/leases/{request_id}"]


@pytest.mark.parametrize("mood", UNREADABLE)
async def test_nothing_is_given_back_that_cannot_be_named(
    third_party: ThirdParty, mood: Mood
) -> None:
    third_party.mood = mood
    by_exit, by_download = releasing(third_party, "{exit}"), releasing(third_party, "{history_id}")

    for provider, need in ((by_exit, NEED), (by_download, replace(NEED, history_id=0))):
        with pytest.raises(ProxyUnavailableError):
            await provider.acquire(need)
        await provider.drain()
        await provider.close()

    assert third_party.releases == ()


@pytest.mark.parametrize("mood", [Mood.UNAUTHORIZED, Mood.UNPAID, Mood.BUSY, Mood.REDIRECT])
async def test_who_refuses_has_rented_nothing_out(third_party: ThirdParty, mood: Mood) -> None:
    third_party.mood = mood
    provider = releasing(third_party, "{request_id}")

    with pytest.raises(ProxyUnavailableError):
        await provider.acquire(NEED)
    await provider.drain()
    await provider.close()

    assert third_party.releases == ()


async def test_an_exit_that_cools_down_is_given_back_and_another_asked_for() -> None:
    other = "http://93.184.216.35:3128"
    with ThirdParty([PROXY, other]) as third_party:
        release = "DELETE " + third_party.url("/leases/") + "{exit}"
        provider = HttpProvider(replace(terms_of(third_party), release=release), Judge(PUBLIC))
        cooling = frozenset({"93.184.216.34:3128"})

        lease = await provider.acquire(replace(NEED, cooling=cooling))
        with pytest.raises(ProxyUnavailableError) as refused:
            await provider.acquire(replace(NEED, cooling=cooling | {"93.184.216.35:3128"}))
        await provider.close()

    assert lease.exit_name == "93.184.216.35:3128"
    assert refused.value.reason == "exits_cooling"
    assert len(third_party.releases) == 1 + 3


@pytest.mark.parametrize(
    "place",
    [
        "127.0.0.1:{port}",
        "localhost:{port}",
        "2130706433:{port}",
        "[::ffff:127.0.0.1]:{port}",
        "10.0.0.5:3128",
        "169.254.169.254:80",
        "[fd00::1]:3128",
        "93.184.216.34:22",
        "93.184.216.34:25",
        "nobody.invalid:3128",
    ],
)
async def test_a_proxy_that_leads_inside_is_refused_and_never_called(place: str) -> None:
    with Sink() as sink, ThirdParty([f"http://{place.format(port=sink.port)}"]) as third_party:
        provider = HttpProvider(terms_of(third_party), Judge(PUBLIC))
        with pytest.raises(ProxyUnavailableError) as refused:
            await provider.acquire(NEED)
        await provider.close()

    assert refused.value.reason == "forbidden_address"
    assert sink.callers == []


async def test_a_proxy_inside_may_be_opened_by_the_administrator() -> None:
    policy = replace(PUBLIC, allow_private=(ip_network("127.0.0.0/8"),))
    with ThirdParty(["http://127.0.0.1:99"]) as third_party:
        provider = HttpProvider(terms_of(third_party), Judge(policy))
        lease = await provider.acquire(NEED)
        await provider.close()

    assert lease.exit_name == "127.0.0.1:99"
