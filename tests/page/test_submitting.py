"""What a press of the button asks for: what is on screen at that moment, and nothing else."""

import json

from playwright.async_api import expect

from tests.page.conftest import OpenWindow, Person
from tests.page.test_journeys import paste
from tests.support.shelf import Shelf
from tests.support.site import Site


async def test_what_the_box_holds_at_the_press_is_fetched_and_not_what_was_previewed_before(
    window: OpenWindow, person: Person, site: Site
) -> None:
    page = await (await window()).tab()
    await person.sign_in(page)
    box = page.get_by_label("What shall be fetched?")
    url = site.clip_url(11)

    with Shelf() as shelf:
        await paste(page, shelf.url("/feed", items=3))
        preview = page.get_by_role("region", name="Preview")
        await expect(preview).to_contain_text("Playlist of 3 videos")
        await box.fill(url)
        await box.press("Enter")
        await expect(page.locator(".row")).to_have_count(1)

    assert [item["url"] for item in await person.history()] == [url]


async def test_a_list_is_shown_before_anything_starts_though_the_press_came_before_the_look(
    window: OpenWindow, person: Person
) -> None:
    page = await (await window()).tab()
    await person.sign_in(page)
    box = page.get_by_label("What shall be fetched?")

    with Shelf() as shelf:
        shelf.delay_s = 0.5
        await paste(page, shelf.url("/feed", items=3))
        await box.press("Enter")
        preview = page.get_by_role("region", name="Preview")
        await expect(preview).to_contain_text("Playlist of 3 videos")
        before = await person.history()
        await expect(page.get_by_role("alert")).to_contain_text("Nothing has started yet")
        await preview.get_by_role("checkbox", name="example/1").uncheck()
        await page.get_by_role("button", name="Download 2").click()
        await expect(page.locator(".row")).to_have_count(2)

    assert before == []
    submitted = {item["url"] for item in await person.history()}
    assert submitted == {"http://video.example/0", "http://video.example/2"}


async def test_of_several_links_the_lists_are_shown_before_any_of_them_starts(
    window: OpenWindow, person: Person, site: Site
) -> None:
    page = await (await window()).tab()
    await person.sign_in(page)

    with Shelf() as shelf:
        feeds = [shelf.url("/feed", items=n) for n in (2, 3)]
        await paste(page, site.clip_url(12), *feeds)
        await page.locator("form.submit button[type=submit]").click()
        preview = page.get_by_role("region", name="Preview")
        await expect(preview).to_contain_text("Playlist of 2 videos")
        await expect(preview).to_contain_text("Playlist of 3 videos")
        before = await person.history()
        await page.get_by_role("button", name="Download 6").click()
        await expect(page.locator(".row")).to_have_count(6)

    assert before == []


async def test_what_is_pasted_while_a_press_waits_for_its_look_stays(
    window: OpenWindow, person: Person, site: Site
) -> None:
    page = await (await window()).tab()
    await person.sign_in(page)
    box = page.get_by_label("What shall be fetched?")
    url, other = site.clip_url(13, delay_s=1), site.clip_url(14)

    await paste(page, url)
    await box.press("Enter")
    await expect(page.get_by_text("Looking at 1 link before")).to_be_visible()
    await paste(page, other)
    await expect(page.locator(".row")).to_have_count(1)

    await expect(box).to_have_value(other)
    assert [item["url"] for item in await person.history()] == [url]


async def test_what_is_no_link_stays_in_the_box_and_is_named(
    window: OpenWindow, person: Person, site: Site
) -> None:
    page = await (await window()).tab()
    await person.sign_in(page)
    box = page.get_by_label("What shall be fetched?")

    await paste(page, site.clip_url(15), "not one")
    await page.locator("form.submit button[type=submit]").click()
    await expect(page.locator(".row")).to_have_count(1)

    await expect(box).to_have_value("not one")
    await expect(page.get_by_text("1 piece of text is not a link: not one")).to_be_visible()


async def test_the_preview_of_one_video_says_what_is_there_and_nothing_else(
    window: OpenWindow, person: Person, site: Site
) -> None:
    page = await (await window()).tab()
    await person.sign_in(page)

    await paste(page, site.watch_url(16, "One video"))
    preview = page.get_by_role("region", name="Preview")
    await expect(preview.get_by_role("heading", name="One video")).to_be_visible()

    assert (await preview.inner_text()).split() == ["0:06", "One", "video", "127.0.0.1"]


async def test_a_live_stream_is_recorded_only_when_that_is_chosen(
    window: OpenWindow, person: Person
) -> None:
    page = await (await window()).tab()
    await person.sign_in(page)
    asked: list[str | None] = []

    with Shelf() as shelf:
        for is_chosen in (False, True):
            await paste(page, shelf.url("/live.m3u8"))
            record = page.get_by_role("checkbox", name="Record it from now on")
            await record.set_checked(is_chosen)
            async with page.expect_request("**/api/v1/download") as sending:
                await page.get_by_role("button", name="Download", exact=True).click()
            asked.append(json.loads((await sending.value).post_data or "").get("live"))
            await expect(record).to_be_hidden()

    assert asked == [None, "record"]
