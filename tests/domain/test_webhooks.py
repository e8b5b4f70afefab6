"""Where webhooks may lead, how they are signed and when they are told again."""

from datetime import timedelta
from ipaddress import ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.addresses import AddressPolicy
from domain.failures import DownloadError, ForbiddenAddressError, InvalidUrlError
from domain.webhooks import RETRY_FOR, Answer, Fault, Message, check, next_wait

CLOSED = AddressPolicy(allow_private=(), ports=(80, 443), deny_hosts=("denied.example",))
OPEN = AddressPolicy(
    allow_private=(ip_network("127.0.0.0/8"),), ports=(80, 443), deny_hosts=("denied.example",)
)
DOWN = Answer(http_status=500, fault=Fault.STATUS)


def wait(answer: Answer = DOWN, *, tries: int = 1, age_s: float = 0) -> float | None:
    found = next_wait(answer, tries=tries, age=timedelta(seconds=age_s), jitter=0.5)
    return None if found is None else found.total_seconds()


def test_the_example_of_the_standard_is_signed_as_there() -> None:
    message = Message(
        message_id="msg_p5jXN8AQM9LWM0D4loKWxJek",
        timestamp=1614265330,
        body='{"test": 2432232314}',
        secrets=["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"],
    )

    assert message.headers()["webhook-signature"] == (
        "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
    )
    assert "MfKQ9r8G" not in repr(message)


@pytest.mark.parametrize(
    "url",
    ["https://hooks.example/a?token=t", "HTTPS://hooks.example/", "https://93.184.216.34/"],
)
def test_an_https_address_is_taken_as_it_is(url: str) -> None:
    assert check(url, CLOSED) == url


@pytest.mark.parametrize(
    ("url", "fault"),
    [
        ("http://hooks.example/", ForbiddenAddressError),
        ("http://93.184.216.34/", ForbiddenAddressError),
        ("https://127.0.0.1/", ForbiddenAddressError),
        ("https://0x7f.1/", ForbiddenAddressError),
        ("https://169.254.169.254/", ForbiddenAddressError),
        ("https://[::ffff:10.0.0.1]/", ForbiddenAddressError),
        ("https://localhost/", ForbiddenAddressError),
        ("https://redis/", ForbiddenAddressError),
        ("https://denied.example/", ForbiddenAddressError),
        ("https://hooks.example:8443/", ForbiddenAddressError),
        ("ftp://hooks.example/", InvalidUrlError),
        ("https://user:password@hooks.example/", InvalidUrlError),
        ("https://hooks.example/\r\nX: y", InvalidUrlError),
        ("https://hooks.example/" + "x" * 2_048, InvalidUrlError),
        ("", InvalidUrlError),
    ],
)
def test_another_address_is_refused(url: str, fault: type[DownloadError]) -> None:
    with pytest.raises(fault):
        check(url, CLOSED)


def test_plain_http_is_for_networks_that_are_open() -> None:
    for url in ("http://127.0.0.1:8080/", "http://hooks.example/", "https://localhost:8443/"):
        assert check(url, OPEN) == url
    with pytest.raises(ForbiddenAddressError):
        check("http://93.184.216.34/", OPEN)


def test_each_wait_is_longer_until_a_day_is_over() -> None:
    waits: list[float] = []
    while (following := wait(tries=len(waits) + 1, age_s=sum(waits))) is not None:
        waits.append(following)

    assert waits[:7] == [5, 30, 120, 600, 1_800, 3_600, 7_200]
    assert waits == sorted(waits)
    assert 20 * 3_600 < sum(waits) <= RETRY_FOR.total_seconds()


@pytest.mark.parametrize(
    ("status", "asked_s", "wanted_s"),
    [(429, 60, 60), (503, 60, 60), (429, 1, 5), (429, 10**9, 4 * 3_600), (500, 60, 5)],
)
def test_what_a_receiver_asks_for_is_done_within_bounds(
    status: int, asked_s: int, wanted_s: float
) -> None:
    asked = timedelta(seconds=asked_s)

    assert wait(Answer(http_status=status, fault=Fault.STATUS, retry_after=asked)) == wanted_s


@pytest.mark.parametrize(
    "answer",
    [
        Answer(http_status=410, fault=Fault.STATUS),
        Answer(fault=Fault.ACCOUNT_DISABLED),
        Answer(fault=Fault.INTERRUPTED),
    ],
)
def test_who_wants_no_more_is_told_no_more(answer: Answer) -> None:
    assert wait(answer) is None


@given(
    tries=st.integers(1, 10**6), age_s=st.floats(0, 10**6), jitter=st.floats(0, 1),
    asked_s=st.integers(0, 10**9),
)  # fmt: skip
def test_no_wait_is_none_at_all_or_beyond_the_day(
    tries: int, age_s: float, jitter: float, asked_s: int
) -> None:
    answer = Answer(http_status=429, fault=Fault.STATUS, retry_after=timedelta(seconds=asked_s))
    age = timedelta(seconds=age_s)

    found = next_wait(answer, tries=tries, age=age, jitter=jitter)

    assert found is None or (timedelta(seconds=3) < found and age + found <= RETRY_FOR)
