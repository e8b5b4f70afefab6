"""Which addresses a download may reach, in every spelling."""

from ipaddress import IPv4Address, ip_address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.addresses import DENIED_IPV4, AddressPolicy, is_public, literal
from domain.failures import ForbiddenAddressError

STRICT = AddressPolicy(allow_private=(), ports=(80, 443), deny_hosts=("intern.example",))
LOOPBACK_OPEN = AddressPolicy(
    allow_private=(ip_network("127.0.0.0/8"),), ports=(80, 443), deny_hosts=()
)

FORBIDDEN = [
    "http://127.0.0.1/",
    "http://2130706433/",
    "http://0x7f000001/",
    "http://017700000001/",
    "http://0177.0.0.1/",
    "http://127.1/",
    "http://127.0.1/",
    "http://0/",
    "http://127.0.0.1./",
    "http://0x/",
    "http://127。0。0。1/",
    "http://①②⑦.⓪.⓪.①/",
    "http://\uff11\uff12\uff17.0.0.1/",
    "http://1②7.0.0.1/",
    "http://[::1]/",
    "http://[::]/",
    "http://[::ffff:127.0.0.1]/",
    "http://[::ffff:7f00:1]/",
    "http://[0:0:0:0:0:ffff:127.0.0.1]/",
    "http://[::127.0.0.1]/",
    "http://[64:ff9b::7f00:1]/",
    "http://[64:ff9b::a9fe:a9fe]/",
    "http://[64:ff9b:1::1]/",
    "http://[2002:7f00:1::]/",
    "http://[2001:0:1::]/",
    "http://[fe80::1]/",
    "http://[fc00::1]/",
    "http://[fec0::1]/",
    "http://[ff02::1]/",
    "http://[fd00:ec2::254]/",
    "http://169.254.169.254/",
    "http://metadata.google.internal/",
    "http://100.100.100.200/",
    "http://192.0.0.192/",
    "http://168.63.129.16/",
    "http://10.1.2.3/",
    "http://172.16.0.1/",
    "http://172.31.255.255/",
    "http://192.168.0.1/",
    "http://198.18.0.1/",
    "http://192.0.2.1/",
    "http://198.51.100.1/",
    "http://203.0.113.1/",
    "http://240.0.0.1/",
    "http://255.255.255.255/",
    "http://224.0.0.1/",
    "http://0.0.0.0/",
    "http://localhost/",
    "http://LOCALHOST./",
    "http://foo.localhost/",
    "http://postgres/",
    "http://REDIS/",
    "http://intern.example/",
    "http://INTERN.example./",
    "http://256.1.1.1/",
    "http://1.2.3.99999/",
    "http://99999999999/",
    "http://8.8.8.8:22/",
    "http://example.com:6379/",
    "https://example.com:8443/",
]


@pytest.mark.parametrize("url", FORBIDDEN)
def test_what_is_not_the_open_internet_is_forbidden(url: str) -> None:
    with pytest.raises(ForbiddenAddressError, match="not allowed"):
        STRICT.check_url(url)


@pytest.mark.parametrize(
    "url",
    [
        "http://example.com/v",
        "https://8.8.8.8/v",
        "http://134744072/v",
        "https://[2606:4700::1111]/v",
        "https://sub.intern.example/",
        "https://127.0.0.1.example.com/",
        "https://例え.jp/",
    ],
)
def test_the_open_internet_may_be_reached(url: str) -> None:
    STRICT.check_url(url)


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:8080/", "http://localhost:1/", "http://2130706433:9/"]
)
def test_an_opened_network_may_be_reached_on_any_port(url: str) -> None:
    LOOPBACK_OPEN.check_url(url)


@pytest.mark.parametrize("url", ["http://10.0.0.1/", "http://[::1]/", "http://8.8.8.8:81/"])
def test_opening_one_network_opens_no_other(url: str) -> None:
    with pytest.raises(ForbiddenAddressError):
        LOOPBACK_OPEN.check_url(url)


@given(
    st.sampled_from(DENIED_IPV4).flatmap(
        lambda n: st.integers(int(n.network_address), int(n.broadcast_address))
    )
)
def test_every_spelling_of_a_denied_address_is_denied(number: int) -> None:
    a, b, c, d = IPv4Address(number).packed
    spellings = [
        f"{a}.{b}.{c}.{d}",
        str(number),
        hex(number),
        f"0{number:o}",
        f"{a}.{b}.{c * 256 + d}",
        f"{a}.{(b << 16) + (c << 8) + d}",
        f"0{a:o}.0x{b:x}.{c}.{d}",
    ]

    for spelling in spellings:
        assert literal(spelling) == IPv4Address(number)
        with pytest.raises(ForbiddenAddressError):
            STRICT.check_url(f"http://{spelling}/")


@given(st.ip_addresses(v=6))
def test_outside_the_one_allowed_network_no_ipv6_is_public(address: object) -> None:
    parsed = ip_address(str(address))

    assert not is_public(parsed) or parsed in ip_network("2000::/3")
