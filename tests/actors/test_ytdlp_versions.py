"""yt-dlp upgraded and rolled back under a worker that goes on working."""

import json

from domain.states import Status
from gateways.ytdlp.versions import Versions
from tests.support.commands import vasset
from tests.support.site import Site
from tests.support.station import Station
from tests.support.waiting import eventually

OTHER = "2026.7.4"


async def test_a_new_version_is_tried_used_by_new_children_and_taken_back(
    idle_station: Station, site: Site
) -> None:
    root = str(idle_station.root)
    worker = await idle_station.start_worker()

    await idle_station.ended(await idle_station.submit(site.clip_url(91)))
    url = site.held_url(94)
    slow = await idle_station.submit(url)
    await eventually(lambda: len(worker.lines("fetch_started")) == 2, what="the slow fetch")
    upgraded = vasset("ytdlp", "upgrade", "--version", OTHER, VASSET_STORAGE__ROOT=root)
    with_other = await idle_station.ended(await idle_station.submit(site.clip_url(92)))
    site.hurry(url)
    begun_before = await idle_station.ended(slow)
    status = vasset("ytdlp", "status", "--json", VASSET_STORAGE__ROOT=root)
    rolled_back = vasset("ytdlp", "rollback", VASSET_STORAGE__ROOT=root)
    with_first = await idle_station.ended(await idle_station.submit(site.clip_url(93)))

    assert upgraded.stdout == f"New downloads use yt-dlp {OTHER}.\n", upgraded.stderr
    assert rolled_back.returncode == 0
    # What ran ended with the version that it began with, and in the attempt that it was.
    assert (begun_before["status"], begun_before["attempts"]) == (Status.PENDING_CLEANUP, 1)
    assert {with_other["status"], with_first["status"]} == {Status.PENDING_CLEANUP}
    told = {row["version"]: row for row in json.loads(status.stdout)["versions"]}
    assert told[OTHER]["current"]
    bundled = Versions(idle_station.root).bundled().number
    assert told[bundled]["previous"]
    used = [json.loads(line)["ytdlp"] for line in worker.lines("fork_server_ready")]
    assert used == [bundled, OTHER, bundled]
