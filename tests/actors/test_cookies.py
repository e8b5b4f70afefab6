"""Cookies of a site: shown to it alone, and to nobody who reads rows, logs or processes."""

from tests.support.commands import vasset
from tests.support.site import Site
from tests.support.station import Station

SECRET = "a secret of at least thirty-two bytes"
COOKIES = "127.0.0.1\tFALSE\t/\tFALSE\t2000000000\tsession\tc00kie-of-the-site\n"


async def test_cookies_go_to_their_site_alone_and_are_kept_sealed(
    idle_station: Station, site: Site
) -> None:
    environment = {
        "VASSET_AUTH__SECRET": SECRET,
        "VASSET_DATABASE__URL": idle_station.services.settings.database.url.get_secret_value(),
    }
    worker = await idle_station.start_worker(VASSET_AUTH__SECRET=SECRET)

    added = vasset("cookies", "add", "127.0.0.1", "-", said=COOKIES, **environment)
    await idle_station.ended(await idle_station.submit(site.clip_url(94)))
    elsewhere = site.clip_url(95).replace("127.0.0.1", "localhost")
    await idle_station.ended(await idle_station.submit(elsewhere))
    led = site.url("/redirect", to=site.clip_url(96).replace("127.0.0.1", "localhost"))
    await idle_station.ended(await idle_station.submit(led))
    listed = vasset("cookies", "list", **environment)
    removed = vasset("cookies", "rm", "127.0.0.1", **environment)
    await idle_station.ended(await idle_station.submit(site.clip_url(97)))

    shown = {
        number: {r.headers.get("cookie") for r in site.requests_for(f"/clips/{number}.mp4")}
        for number in (94, 95, 96, 97)
    }
    row = await idle_station.services.db.all("cookies_all")
    assert added.stdout == "1 cookies are shown to 127.0.0.1 from now on.\n", added.stderr
    assert removed.returncode == 0
    assert row == []
    assert shown == {94: {"session=c00kie-of-the-site"}, 95: {None}, 96: {None}, 97: {None}}
    assert "c00kie" not in worker.log.read_text() + listed.stdout


async def test_a_worker_with_another_secret_fetches_without_and_says_so(
    idle_station: Station, site: Site
) -> None:
    environment = {
        "VASSET_DATABASE__URL": idle_station.services.settings.database.url.get_secret_value(),
    }
    vasset(
        *("cookies", "add", "127.0.0.1", "-"),
        said=COOKIES,
        VASSET_AUTH__SECRET=SECRET,
        **environment,
    )
    worker = await idle_station.start_worker(VASSET_AUTH__SECRET=SECRET[::-1])

    row = await idle_station.ended(await idle_station.submit(site.clip_url(98)))

    sealed = await idle_station.services.db.one("cookies_of", site="127.0.0.1")
    assert row["error_code"] is None
    assert worker.lines("cookies_unreadable")
    assert sealed is not None
    assert "c00kie" not in sealed["sealed"]
