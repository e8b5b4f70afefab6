"""Who shares with whom is the administrator's word, and nobody shares what cookies opened."""

from pathlib import Path

import pytest

from domain.states import Mode
from tests.actors.twins import SLOW, fetches, inodes, new_clip
from tests.support.commands import vasset
from tests.support.site import Site
from tests.support.station import Station
from tests.support.waiting import eventually


@pytest.mark.parametrize(("share", "fetched"), [("all", 1), ("off", 3)])
async def test_the_administrator_decides_who_shares(
    idle_station: Station, site: Site, share: str, fetched: int
) -> None:
    await idle_station.start_worker(VASSET_DOWNLOADS__SHARE=share)
    url = new_clip(site, bytes_per_s=SLOW * 5)
    ids = [await idle_station.submit(url) for _ in range(2)]
    me = idle_station.user
    await idle_station.become("bob@example.com")
    theirs = await idle_station.submit(url)

    rows = [await idle_station.ended(theirs)]
    idle_station.user = me
    rows += [await idle_station.ended(one) for one in ids]

    assert fetches(site, url) == len(inodes(rows)) == fetched
    assert len({row["file_path"] for row in rows}) == 3


async def test_who_deletes_a_file_that_all_share_takes_nothing_from_another(
    idle_station: Station, site: Site
) -> None:
    quotas = idle_station.services.quotas
    await idle_station.start_worker(VASSET_DOWNLOADS__SHARE="all")
    url = new_clip(site)
    mine = await idle_station.ended(await idle_station.submit(url, Mode.ARCHIVE))
    me = idle_station.user.user_id
    await idle_station.become("bob@example.com")
    theirs = await idle_station.ended(await idle_station.submit(url, Mode.ARCHIVE))

    await idle_station.services.downloads.hide(mine["history_id"], me)
    await eventually(lambda: not Path(mine["file_path"]).exists(), timeout_s=40)

    kept = await idle_station.row(theirs["history_id"])
    assert theirs["linked_from"] == mine["history_id"]
    assert inodes([kept]) == {mine["file_inode"]}
    books = [await quotas.of_user(each) for each in (me, idle_station.user.user_id)]
    assert [each.archive_used for each in books] == [0, kept["file_size"]]


async def test_what_was_fetched_with_cookies_is_never_shared(
    idle_station: Station, site: Site
) -> None:
    secret = "a secret of at least thirty-two bytes"
    environment = {
        "VASSET_AUTH__SECRET": secret,
        "VASSET_DATABASE__URL": idle_station.services.settings.database.url.get_secret_value(),
    }
    cookie = "127.0.0.1\tFALSE\t/\tFALSE\t2000000000\tsession\tvalue\n"
    before, during, after = (new_clip(site) for _ in range(3))
    await idle_station.start_worker(VASSET_AUTH__SECRET=secret)
    await idle_station.ended(await idle_station.submit(before))

    vasset("cookies", "add", "127.0.0.1", "-", said=cookie, **environment)
    for url in (before, during, during, after):
        await idle_station.ended(await idle_station.submit(url))
    vasset("cookies", "rm", "127.0.0.1", **environment)
    await idle_station.ended(await idle_station.submit(after))
    await idle_station.ended(await idle_station.submit(after))

    assert [fetches(site, url) for url in (before, during, after)] == [2, 2, 2]
