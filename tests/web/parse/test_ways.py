"""By which way a look goes out, and what it leaves to downloads."""

import json

from domain.states import Status
from tests.support.dead_proxy import DeadProxy
from tests.support.provider import Provider
from tests.support.proxy import ForwardProxy
from tests.support.shelf import Shelf
from tests.support.site import Site as Videos
from tests.support.waiting import eventually
from tests.web.parse.served import Parsing, begun, code


async def test_looks_take_no_slot_of_downloads(
    parsing: Parsing, shelf: Shelf, videos: Videos
) -> None:
    await parsing.station.start_worker(VASSET_DOWNLOADS__SLOTS="1")
    shelf.delay_s = 60
    asking = await begun(parsing, shelf, "/feed")

    row = await parsing.station.ended(await parsing.station.submit(videos.clip_url(71)))

    assert not asking.done() or code(await asking) == (503, "timed_out")
    assert row["status"] == Status.PENDING_CLEANUP
    asking.cancel()


async def test_the_cookies_of_a_site_are_shown_to_it(working: Parsing, shelf: Shelf) -> None:
    cookie = "127.0.0.1\tFALSE\t/\tFALSE\t2000000000\tsession\tc00kie\n"
    text = f"# Netscape HTTP Cookie File\n{cookie}"
    await working.site.front.services.cookies.put("127.0.0.1", text, number=1)

    await working.ask(shelf.url("/feed"))

    assert shelf.requests_for("/feed")[0].headers["cookie"] == "session=c00kie"
    assert "c00kie" not in working.station.workers[0].log.read_text()


async def test_a_look_goes_through_a_rented_proxy_that_is_given_back(
    parsing: Parsing, shelf: Shelf
) -> None:
    with ForwardProxy() as proxy, Provider([proxy.url]) as third_party:
        await parsing.station.start_worker(
            VASSET_PROXY__PROVIDER="http",
            VASSET_PROXY__ENDPOINT=third_party.endpoint,
            VASSET_PROXY__API_KEY=third_party.key,
            VASSET_PROXY__RELEASE="DELETE " + third_party.url("/leases/") + "{history_id}",
        )

        answer = await parsing.ask(shelf.url("/feed"))
        await eventually(lambda: third_party.releases, what="the release")

        ports = {passage.port for passage in proxy.journal}

    assert answer.status_code == 200, answer.text
    assert ports == {shelf.port}
    assert len(third_party.acquisitions) == len(third_party.releases) == 1


async def test_a_proxy_that_does_not_work_is_replaced_within_the_same_look(
    parsing: Parsing, shelf: Shelf
) -> None:
    with ForwardProxy() as proxy, DeadProxy() as dead:
        await parsing.station.start_worker(
            VASSET_PROXY__PROVIDER="list", VASSET_PROXY__LIST=json.dumps([dead.url, proxy.url])
        )
        answers = [await parsing.ask(shelf.url("/feed", items=number)) for number in (1, 2)]

    assert {answer.status_code for answer in answers} == {200}
