"""What the services make of the settings."""

import pytest

from domain.failures import ForbiddenAddressError
from runtime.services import policy_of
from runtime.settings_layers import load

OWN = {
    "VASSET_SERVER__PUBLIC_URL": "https://assets.example/",
    "VASSET_STORAGE__NODE_URL": "https://node-a.assets.example:8443",
    "VASSET_EGRESS__DENY_HOSTS": '["denied.example"]',
}


@pytest.mark.parametrize(
    "url",
    [
        "https://assets.example/x",
        "https://ASSETS.example./x",
        "https://node-a.assets.example/x",
        "http://denied.example/x",
    ],
)
def test_no_download_comes_back_to_where_we_are_known(url: str) -> None:
    with pytest.raises(ForbiddenAddressError):
        policy_of(load(OWN)).check_url(url)


def test_what_only_sounds_like_us_may_be_reached() -> None:
    policy_of(load(OWN)).check_url("https://video.assets.example.org/x")
