"""What the judge knows of this machine."""

import socket
from ipaddress import ip_address

import psutil
import pytest

from gateways.egress.judge import is_own

OWN = [
    place.address
    for places in psutil.net_if_addrs().values()
    for place in places
    if place.family == socket.AF_INET
]


@pytest.mark.parametrize("address", OWN)
def test_an_address_of_this_machine_is_its_own(address: str) -> None:
    assert is_own(ip_address(address))


@pytest.mark.parametrize("address", ["93.184.216.34", "2606:4700::1111", "10.255.255.254"])
def test_an_address_elsewhere_is_not(address: str) -> None:
    assert not is_own(ip_address(address))
