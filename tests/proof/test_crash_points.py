"""A worker that dies at each point of a download's way: the download ends well all the same.

The numbers are the crash points of the reliability page, section 3.
"""

import pytest

from domain.states import Mode, Status
from tests.proof.checker import Evidence, check
from tests.proof.evidence import gather
from tests.support.postgres import Postgres
from tests.support.site import Site
from tests.support.station import Station
from tests.support.waiting import eventually

DOWNLOADS = "storage.downloads:Downloads"

POINTS = {
    "12": f"before:{DOWNLOADS}.claim",
    "13": f"after:{DOWNLOADS}.claim",
    "14 the fetch is due": f"after:{DOWNLOADS}.pass_on",
    "16 the folder is made": "after:storage.files:Files.fresh_staging",
    "19": "before:storage.manifests:write",
    "20": "after:storage.manifests:write",
    "20 the checksum is due": f"after:{DOWNLOADS}.pass_on:2",
    "21": f"before:{DOWNLOADS}.pass_on:3",
    "22": f"after:{DOWNLOADS}.pass_on:3",
    "24 before the move": "before:storage.files:Files.place",
    "24": "after:storage.files:Files.place",
    "25 written, not committed": f"after:{DOWNLOADS}.finish",
    "26 and 27": "after:actors.record:record",
}
FETCHED = list(POINTS).index("20")
"""From here on the file is complete, so it must not be fetched again."""

LINKING = {
    "14 the link is there": "after:actors.linking:link_asset",
    "14 the manifest is there": "after:storage.manifests:write",
    "14 the fetch is due": f"after:{DOWNLOADS}.pass_on",
    "24": "after:storage.files:Files.place",
}

A_MINUTE_LATER = (
    "UPDATE download_history SET claim_until = claim_until - interval '61 s',"
    " woken_at = woken_at - interval '61 s'"
)


async def left(
    station: Station, postgres: Postgres, database_url: str, accepted: dict[int, str]
) -> Evidence:
    return await gather(
        postgres,
        database_url,
        station.services.redis,
        accepted=accepted,
        roots={"node-a": station.root},
    )


@pytest.mark.parametrize("number", POINTS)
async def test_a_death_on_the_way_loses_and_doubles_nothing(
    idle_station: Station, site: Site, postgres: Postgres, database_url: str, number: str
) -> None:
    site.forget()
    history_id = await idle_station.submit(site.clip_url(90), Mode.ARCHIVE)
    await idle_station.die_at(POINTS[number])
    await idle_station.services.db.raw(A_MINUTE_LATER)

    await idle_station.start_worker()

    row = await idle_station.ended(history_id)
    assert row["status"] == Status.COMPLETED
    assert row["crashes"] <= 1

    async def is_clean() -> bool:
        accepted = {history_id: site.md5("/clips/90.mp4")}
        return not check(await left(idle_station, postgres, database_url, accepted)).faults

    await eventually(is_clean, timeout_s=60)
    if list(POINTS).index(number) >= FETCHED:
        # One fetch: the extractor looks at the address, then the transfer begins.
        assert row["attempts"] == 1
        assert len(site.requests_for("/clips/90.mp4")) == 2


@pytest.mark.parametrize("number", LINKING)
async def test_a_death_while_a_twin_is_linked_fetches_nothing_again(
    idle_station: Station, site: Site, postgres: Postgres, database_url: str, number: str
) -> None:
    site.forget()
    worker = await idle_station.start_worker()
    first = await idle_station.submit(site.clip_url(92), Mode.ARCHIVE)
    await idle_station.ended(first)
    worker.stop()
    again = await idle_station.submit(site.clip_url(92), Mode.ARCHIVE)
    await idle_station.die_at(LINKING[number])
    await idle_station.services.db.raw(A_MINUTE_LATER)

    await idle_station.start_worker()

    rows = [await idle_station.ended(one) for one in (first, again)]
    assert [row["status"] for row in rows] == [Status.COMPLETED] * 2
    assert rows[0]["file_inode"] == rows[1]["file_inode"]
    assert len(site.requests_for("/clips/92.mp4")) == 2

    async def is_clean() -> bool:
        accepted = dict.fromkeys((first, again), site.md5("/clips/92.mp4"))
        return not check(await left(idle_station, postgres, database_url, accepted)).faults

    await eventually(is_clean, timeout_s=60)


@pytest.mark.parametrize("when", ["before", "after"])
async def test_a_death_at_the_deletion_is_made_good(
    idle_station: Station, site: Site, postgres: Postgres, database_url: str, when: str
) -> None:
    worker = await idle_station.start_worker()
    history_id = await idle_station.submit(site.clip_url(91))
    await idle_station.ended(history_id)
    worker.stop()
    await idle_station.services.db.raw("UPDATE download_history SET expire_at = now()")
    await idle_station.die_at(f"{when}:storage.files:Files.delete")

    await idle_station.start_worker()

    await idle_station.reached(history_id, Status.EXPIRED)
    accepted = {history_id: ""}
    assert check(await left(idle_station, postgres, database_url, accepted)).faults == {}
