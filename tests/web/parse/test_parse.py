"""POST /parse, answered by a real worker that looks at real pages in the cage."""

import pytest

from domain.states import Status
from tests.support.shelf import Shelf
from tests.support.site import Site as Videos
from tests.support.waiting import eventually
from tests.web.parse.served import Parsing, code, waiting


async def test_a_video_is_told_with_its_formats_and_nothing_of_it_is_fetched(
    working: Parsing, videos: Videos
) -> None:
    answer = await working.ask(videos.url("/dash/manifest.mpd"))

    told = answer.json()
    assert answer.status_code == 200, answer.text
    assert "entries" not in told
    assert (told["title"], told["extractor"], told["live"]) == ("manifest", "generic", False)
    assert told["webpage_url"] == videos.url("/dash/manifest.mpd")
    heights = [(one["height"], one["vcodec"][:4], one["acodec"][:4]) for one in told["formats"]]
    assert heights == [(None, "none", "mp4a"), (120, "avc1", "none"), (240, "avc1", "none")]
    assert [(one["rung"], one["language"]) for one in told["formats"]] == [
        (None, None),
        (120, None),
        (240, None),
    ]
    assert all(one["tbr"] > 0 and one["ext"] in ("mp4", "m4a") for one in told["formats"])
    assert not [one for one in videos.journal if one.path.endswith(".m4s")]


async def test_a_format_that_is_told_can_be_downloaded(working: Parsing, videos: Videos) -> None:
    url = videos.url("/dash/manifest.mpd")
    told = (await working.ask(url)).json()

    wished = told["formats"][1]["format_id"]
    history_id = await working.member.submit(url, format_id=wished, container="mkv")

    async def ended() -> dict[str, object] | None:
        shown = (await working.member.http.get(f"/download/{history_id}")).json()
        return None if shown["status"] in ("queued", "running") else shown

    shown = await eventually(ended, timeout_s=60, what="the download")
    assert shown is not None
    assert (shown["status_code"], shown["file_name"]) == (Status.COMPLETED, "manifest.mkv")


async def test_the_length_and_title_of_a_page_are_told(working: Parsing, videos: Videos) -> None:
    told = (await working.ask(videos.watch_url(3, "日本語 🎬"))).json()

    assert (told["title"], told["duration_s"]) == ("日本語 🎬", 6.0)
    assert [one["format_id"] for one in told["formats"]] == ["mp4"]


async def test_the_entries_of_a_playlist_are_told_and_none_is_visited(
    working: Parsing, shelf: Shelf
) -> None:
    told = (await working.ask(shelf.url("/feed", items=3))).json()

    assert told["title"] == "A feed"
    assert told["formats"] == []
    assert told["entries"] == [
        {
            "index": number + 1,
            "url": f"http://video.example/{number}",
            "title": f"Video of http://video.example/{number}",
            "duration_s": None,
        }
        for number in range(3)
    ]


async def test_a_playlist_without_end_is_cut(parsing: Parsing, shelf: Shelf) -> None:
    await parsing.station.start_worker(VASSET_DOWNLOADS__MAX_PLAYLIST_ENTRIES="7")

    told = (await parsing.ask(shelf.url("/feed", items=5_000))).json()

    assert len(told["entries"]) == 7


async def test_a_stream_on_air_is_live(working: Parsing, shelf: Shelf) -> None:
    told = (await working.ask(shelf.url("/live.m3u8"))).json()

    assert told["live"] is True
    assert told["formats"]


async def test_entries_and_pictures_that_lead_inside_are_left_out(
    working: Parsing, shelf: Shelf
) -> None:
    told = (await working.ask(shelf.url("/inside"))).json()
    page = (await working.ask(shelf.url("/hostile"))).json()

    assert [entry["url"] for entry in told["entries"]] == ["http://video.example/last"]
    assert page["thumbnail"] is None


async def test_hostile_texts_become_one_plain_line(working: Parsing, shelf: Shelf) -> None:
    hostile = (await working.ask(shelf.url("/hostile"))).json()
    long = (await working.ask(shelf.url("/long"))).json()

    assert hostile["title"] == "<script>alert(1)</script> gpj. Set-Cookie: a=b 😀"
    assert long["title"] == "x" * 200


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("nonsense", "invalid_url"),
        ("http://user@video.example/", "invalid_url"),
        ("ftp://video.example/", "invalid_url"),
        ("http://video.example/" + "x" * 2_048, "invalid_url"),
        ("http://10.0.0.1/", "forbidden_address"),
        ("http://0x0a000001/", "forbidden_address"),
        ("http://[::1]/", "forbidden_address"),
    ],
)
async def test_an_address_is_judged_before_anybody_is_asked(
    parsing: Parsing, url: str, why: str
) -> None:
    answer = await parsing.ask(url)

    assert code(answer) == (422, why)
    assert await waiting(parsing) == []


async def test_what_a_site_says_no_to_has_a_code_and_is_kept_for_a_time(
    working: Parsing, shelf: Shelf, videos: Videos
) -> None:
    nothing = [await working.ask(shelf.url("/nothing")) for _ in range(2)]
    gone = await working.ask(videos.url("/status/404"))
    inside = await working.ask(videos.url("/redirect", to="http://10.0.0.1/"))

    assert [code(answer) for answer in nothing] == [(422, "unsupported_site")] * 2
    assert len(shelf.requests_for("/nothing")) == 1
    assert code(gone) == (422, "unavailable")
    assert code(inside) == (422, "forbidden_address")


async def test_a_site_that_has_enough_of_us_is_left_alone_but_not_for_one_forbidden_page(
    parsing: Parsing, shelf: Shelf, videos: Videos
) -> None:
    await parsing.station.start_worker()

    forbidden = await parsing.ask(videos.url("/status/403"))
    other = await parsing.ask(shelf.url("/feed"))
    busy = await parsing.ask(videos.url("/status/429", retry_after=600))
    later = await parsing.ask(shelf.url("/inside"))

    assert code(forbidden) == (422, "blocked")
    assert other.status_code == 200
    assert [code(answer) for answer in (busy, later)] == [(422, "rate_limited")] * 2
    assert busy.headers["Retry-After"] == "600"
    assert 500 < int(later.headers["Retry-After"]) <= 600
    assert not shelf.requests_for("/inside")
