"""A file that turns out larger than what is left of its owner's archive."""

import pytest

from domain.quotas import Quota
from domain.states import Mode, Status
from tests.support.site import Site
from tests.support.station import Station
from tests.support.waiting import eventually


async def test_it_ends_for_good_leaves_nothing_and_gives_its_room_back(
    idle_station: Station, site: Site
) -> None:
    quotas, user_id = idle_station.services.quotas, idle_station.user.user_id
    await quotas.set(user_id, {Quota.ARCHIVE_BYTES: 1_000})
    await idle_station.start_worker()

    row = await idle_station.ended(await idle_station.submit(site.clip_url(120), Mode.ARCHIVE))

    books = await quotas.of_user(user_id)
    assert (row["status"], row["error_code"], row["attempts"]) == (Status.FAILED, "too_large", 1)
    assert "your archive" in row["error_message"]
    assert row["error_retryable"] is False
    assert (books.archive_used, books.archive_reserved, books.active_used) == (0, 0, 0)
    await eventually(lambda: not idle_station.staging())


@pytest.mark.parametrize("path", ["/clips/122.mp4?size=20000000&bytes_per_s=50000", "/endless.mp4"])
async def test_it_is_not_fetched_whole_before_it_is_refused(
    idle_station: Station, site: Site, path: str
) -> None:
    """The first says its size beforehand and would take minutes; the other would never end."""
    await idle_station.services.quotas.set(
        idle_station.user.user_id, {Quota.ARCHIVE_BYTES: 3_000_000}
    )
    await idle_station.start_worker()

    row = await idle_station.ended(await idle_station.submit(site.url(path), Mode.ARCHIVE))

    assert (row["status"], row["error_code"], row["attempts"]) == (Status.FAILED, "too_large", 1)
    assert "your archive" in row["error_message"]
    assert row["error_retryable"] is False


async def test_one_that_fits_is_counted_by_its_size(idle_station: Station, site: Site) -> None:
    await idle_station.start_worker()

    row = await idle_station.ended(await idle_station.submit(site.clip_url(121), Mode.ARCHIVE))

    books = await idle_station.services.quotas.of_user(idle_station.user.user_id)
    assert row["status"] == Status.COMPLETED
    assert (books.archive_used, books.archive_reserved) == (row["file_size"], 0)
