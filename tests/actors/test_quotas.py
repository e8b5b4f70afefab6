"""A file that turns out larger than what is left of its owner's archive."""

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


async def test_one_that_fits_is_counted_by_its_size(idle_station: Station, site: Site) -> None:
    await idle_station.start_worker()

    row = await idle_station.ended(await idle_station.submit(site.clip_url(121), Mode.ARCHIVE))

    books = await idle_station.services.quotas.of_user(idle_station.user.user_id)
    assert row["status"] == Status.COMPLETED
    assert (books.archive_used, books.archive_reserved) == (row["file_size"], 0)
