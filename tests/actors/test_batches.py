"""Batches at work: in the fair order beside others, and cancelled in the middle."""

from collections.abc import Sequence

from domain.requests import Wish
from domain.states import Mode, Stage, Status
from tests.support.site import Site
from tests.support.station import Station
from tests.support.waiting import eventually


async def submit(station: Station, urls: Sequence[str]) -> tuple[int, list[int]]:
    """Accept a batch, wake the first of it alone, and return its number and its downloads."""
    services = station.services
    async with services.db.transaction() as statements:
        made = await services.batches.submit(
            statements, station.user.user_id, Mode.QUICK, [Wish(url=url) for url in urls]
        )
    ids = [int(row["history_id"]) for row in made.rows]
    station.wake(Stage.ACQUIRE_PROXY, ids[0])
    return int(made.rows[0]["batch_id"]), ids


async def test_a_batch_works_itself_off_and_keeps_no_other_user_waiting(
    idle_station: Station, site: Site
) -> None:
    station, first_user = idle_station, idle_station.user
    _, batch = await submit(station, [site.clip_url(number) for number in range(5)])
    await station.become("bob@example.com")
    single = await station.submit(site.clip_url(7))

    await station.start_worker(VASSET_DOWNLOADS__SLOTS="1")
    theirs = await station.ended(single, timeout_s=60)
    station.user = first_user
    rows = [await station.ended(history_id, timeout_s=60) for history_id in batch]

    assert {row["status"] for row in rows} == {Status.PENDING_CLEANUP}
    before = [row for row in rows if row["started_at"] < theirs["started_at"]]
    assert len(before) <= 1


async def test_a_batch_that_is_cancelled_in_the_middle_ends_whole(
    idle_station: Station, site: Site
) -> None:
    station, services = idle_station, idle_station.services
    number, batch = await submit(
        station, [site.clip_url(9_100 + number, delay_s=600) for number in range(3)]
    )
    await station.start_worker(VASSET_DOWNLOADS__SLOTS="1")
    await eventually(lambda: site.requests_for("/clips/9100.mp4"), timeout_s=30, what="the fetch")

    rows = await services.batches.cancel(number, station.user.user_id)
    for row in rows:
        await services.feed.wish_cancelled(row["history_id"])

    ended = [await station.ended(history_id) for history_id in batch]
    assert {row["status"] for row in ended} == {Status.CANCELLED}
    assert sum(row["epoch"] > 0 for row in ended) == 1
    await eventually(
        lambda: not site.requests_for("/clips/9100.mp4")[0].is_open, what="the child's end"
    )
