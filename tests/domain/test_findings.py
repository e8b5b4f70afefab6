import pytest

from domain.addresses import AddressPolicy
from domain.findings import address_key, is_open

POLICY = AddressPolicy(allow_private=(), ports=(80, 443), deny_hosts=())


@pytest.mark.parametrize(
    "same",
    [
        "HTTPS://Video.example/Watch?v=1#t",
        "https://video.example:443/Watch?v=1#t",
        "https://video.example./Watch?v=1#t",
    ],
)
def test_an_address_has_one_key_however_its_host_is_written(same: str) -> None:
    assert address_key(same) == address_key("https://video.example/Watch?v=1#t")


@pytest.mark.parametrize(
    "other",
    [
        "http://video.example/Watch?v=1#t",
        "https://video.example:80/Watch?v=1#t",
        "https://video.example/watch?v=1#t",
        "https://video.example/Watch?v=2#t",
        "https://video.example/Watch?v=1",
        "https://www.video.example/Watch?v=1#t",
    ],
)
def test_what_may_be_another_video_has_another_key(other: str) -> None:
    assert address_key(other) != address_key("https://video.example/Watch?v=1#t")


def test_an_address_without_a_path_is_that_of_the_root() -> None:
    assert address_key("https://video.example") == address_key("https://video.example/")


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://video.example/1", True),
        ("http://10.0.0.1/", False),
        ("https://video.example:22/", False),
        ("javascript:alert(1)", False),
        ("", False),
    ],
)
def test_what_may_be_shown_is_what_a_download_could_start_from(url: str, expected: bool) -> None:  # noqa: FBT001 - a table
    assert is_open(url, POLICY) is expected
