"""What a provider's answer says, and what of it is an address of a proxy."""

from datetime import timedelta

import pytest

from domain.failures import ProxyUnavailableError
from gateways.proxies.answers import AnswerForm, parse_answer
from gateways.proxies.provider import parse_address


@pytest.mark.parametrize(
    ("answer", "form", "url", "lifetime"),
    [
        (
            '{"data": [{"url": "http://a.example:81"}]}',
            AnswerForm(address="data[0].url"),
            "http://a.example:81",
            None,
        ),
        (
            '{"ip": "9.9.9.9", "port": 8000, "ttl": 90}',
            AnswerForm(address="join('', ['http://', ip, ':', to_string(port)])", lifetime="ttl"),
            "http://9.9.9.9:8000",
            timedelta(seconds=90),
        ),
        ('"http://a.example:81"', AnswerForm(), "http://a.example:81", None),
        (
            '{"proxy": "http://a.example:81", "ttl": -5}',
            AnswerForm(lifetime="ttl"),
            "http://a.example:81",
            None,
        ),
    ],
)
def test_the_settings_say_where_in_an_answer_things_stand(
    answer: str, form: AnswerForm, url: str, lifetime: timedelta | None
) -> None:
    lease = parse_answer(answer, form)

    assert (lease.url, lease.lifetime) == (url, lifetime)


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
        "http://u:p@h:1/../",
        "http://u:p@h:1?q=1",
        "http://u:p@h:1#f",
        "http://u:p\r\n@h:1",
        "http://u:" + "p" * 2_000 + "@h:1",
        "http://h:1;--exec",
    ],
)
def test_what_is_no_address_of_a_proxy_is_refused_without_being_repeated(address: str) -> None:
    with pytest.raises(ProxyUnavailableError) as refused:
        parse_address(address)

    assert not address or address not in str(refused.value)


def test_a_lease_never_shows_its_password() -> None:
    assert "s3cret" not in repr(parse_address("http://user:s3cret@93.184.216.34:3128"))
