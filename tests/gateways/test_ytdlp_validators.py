"""A transfer that broke off goes on with the same file or begins again; never a splice."""

from pathlib import Path

import pytest

from domain.failures import CorruptError
from gateways.ytdlp.validators import Validators
from tests.support.fetching import ignore, order, running
from tests.support.site import Site

URL = "https://site.example/clip.mp4"
REST = {"range": "bytes=500-"}


async def test_a_file_that_changed_under_a_broken_transfer_is_fetched_anew(
    site: Site, tmp_path: Path
) -> None:
    async with running() as runner:
        media = await runner.fetch(
            order(site.url("/changing/splice", size=1_000_000), tmp_path), ignore
        )

    assert media.path.read_bytes() == site.media.padded(1_000_000, 1).read(0, 1_000_000)


def test_the_rest_is_asked_for_under_the_condition_of_the_first_answer() -> None:
    validators = Validators()
    validators.judge(URL, 200, {"ETag": '"a"', "Last-Modified": "yesterday"})

    assert validators.condition(URL, REST) == {"If-Range": '"a"'}


def test_a_date_proves_where_there_is_no_etag() -> None:
    validators = Validators()
    validators.judge(URL, 200, {"last-modified": "yesterday"})

    assert validators.condition(URL, REST) == {"If-Range": "yesterday"}


@pytest.mark.parametrize("headers", [{}, {"ETag": 'W/"a"'}])
def test_without_proof_the_whole_file_is_asked_for(headers: dict[str, str]) -> None:
    validators = Validators()
    validators.judge(URL, 200, headers)

    assert validators.condition(URL, REST) == {"Range": None}


def test_a_fragment_without_proof_stays_a_range() -> None:
    validators = Validators()
    validators.judge(URL, 206, {})

    assert validators.condition(URL, REST) == {}


def test_what_was_never_asked_before_is_left_alone() -> None:
    assert Validators().condition(URL, REST) == {}


def test_a_part_of_another_file_is_corrupt_though_the_site_ignored_the_condition() -> None:
    validators = Validators()
    validators.judge(URL, 200, {"ETag": '"a"'})

    with pytest.raises(CorruptError):
        validators.judge(URL, 206, {"ETag": '"b"'})
