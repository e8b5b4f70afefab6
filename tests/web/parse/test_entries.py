"""Several videos at one address: each is told, and each can be had."""

from typing import Any

from tests.support.site import Site as Videos
from tests.support.waiting import eventually
from tests.web.parse.served import Parsing, code

FOUR = (70, 71, 72, 73)


async def ended(parsing: Parsing, history_ids: list[int]) -> list[dict[str, Any]]:
    """Return the downloads, once all of them have ended."""

    shown: list[dict[str, Any]] = []

    async def are_over() -> bool:
        shown[:] = [
            (await parsing.member.http.get(f"/download/{one}")).json() for one in history_ids
        ]
        return all(one["status"] not in ("queued", "running") for one in shown)

    await eventually(are_over, timeout_s=120, what="the downloads")
    return shown


async def test_what_has_no_address_of_its_own_is_told_with_its_selector(
    working: Parsing, videos: Videos
) -> None:
    url = videos.several_url(*FOUR)

    told = (await working.ask(url)).json()

    assert [one["url"] for one in told["entries"]] == [url] * 4
    assert [one["id"] for one in told["entries"]] == ["70.mp4", "71.mp4", "72.mp4", "73.mp4"]
    assert [one["entry"] for one in told["entries"]] == [
        {"index": index, "id": f"{number}.mp4"} for index, number in enumerate(FOUR, start=1)
    ]
    assert told["truncated"] is False


async def test_a_whole_page_becomes_its_videos_with_the_titles_of_the_list(
    working: Parsing, videos: Videos
) -> None:
    asked = {"playlist_url": videos.several_url(*FOUR), "mode": "quick_download"}
    batch = (await working.member.http.post("/download/batch", json=asked)).json()

    shown = await ended(working, [one["history_id"] for one in batch["downloads"]])

    assert [one["file_hash"] for one in shown] == [videos.md5(f"/clips/{n}.mp4") for n in FOUR]
    assert [one["title"] for one in shown] == [f"Several ({n})" for n in (1, 2, 3, 4)]


async def test_the_titles_of_a_feed_are_those_of_its_downloads(
    working: Parsing, videos: Videos
) -> None:
    asked = {"playlist_url": videos.feed_url(74, 75), "mode": "quick_download"}
    batch = (await working.member.http.post("/download/batch", json=asked)).json()
    at_once = [one["title"] for one in batch["downloads"]]

    shown = await ended(working, [one["history_id"] for one in batch["downloads"]])

    assert at_once == ["Episode 74", "Episode 75"]
    assert [one["title"] for one in shown] == at_once
    assert [one["file_name"] for one in shown] == ["Episode 74.mp4", "Episode 75.mp4"]


async def test_a_list_that_is_known_is_refused_with_its_count(
    working: Parsing, videos: Videos
) -> None:
    url = videos.several_url(*FOUR[:3])
    await working.ask(url)
    asked = {"url": url, "mode": "quick_download"}

    refused = await working.member.http.post("/download", json=asked)
    first = await working.member.http.post("/download", json=asked | {"entry": "first"})

    problem = refused.json()
    assert code(refused) == (422, "is_playlist")
    assert (problem["entries"], problem["truncated"]) == (3, False)
    assert first.status_code == 202
    (shown,) = await ended(working, [first.json()["history_id"]])
    assert shown["file_hash"] == videos.md5("/clips/70.mp4")


async def test_a_list_that_nobody_knew_fails_as_one_for_good(
    working: Parsing, videos: Videos
) -> None:
    history_id = await working.member.submit(videos.several_url(76, 77))

    (shown,) = await ended(working, [history_id])

    assert (shown["status"], shown["attempts"]) == ("failed", 1)
    assert shown["error"]["code"] == "is_playlist"
    assert "2 videos" in shown["error"]["message"]
    assert shown["error"]["retryable"] is False
    assert not videos.requests_for("/clips/76.mp4")


async def test_a_list_in_a_batch_is_refused_in_its_place(working: Parsing, videos: Videos) -> None:
    several, single = videos.several_url(78, 79), videos.clip_url(79)
    await working.ask(several)
    asked = {"urls": [several, single], "mode": "quick_download"}

    told = (await working.member.http.post("/download/batch", json=asked)).json()["downloads"]

    assert [one["error"] and one["error"]["code"] for one in told] == ["is_playlist", None]


async def test_entries_that_no_id_tells_apart_go_by_their_position(
    working: Parsing, videos: Videos
) -> None:
    told = await working.ask(videos.several_url(76, 76))

    assert told.status_code == 200
    entries = [one["entry"] for one in told.json()["entries"]]
    assert entries == [{"index": 1}, {"index": 2}]
