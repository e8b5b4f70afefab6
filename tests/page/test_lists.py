"""Lists on the page: each of their videos can be had, and none starts before it is chosen."""

from playwright.async_api import Page, Route, expect

from tests.page.conftest import OpenWindow, Person
from tests.page.test_journeys import paste, submit
from tests.support.shelf import Shelf
from tests.support.site import Site

EIGHT = tuple(range(40, 48))
NOTHING_YET = "Nothing has started yet"


async def fail_to_look(page: Page, times: int) -> None:
    """Let the page's first looks break off on their way to the server."""

    async def abort(route: Route) -> None:
        await route.abort()

    await page.route("**/api/v1/parse", abort, times=times)


async def known_list(person: Person, url: str) -> str:
    """Let the server know a list; return its address."""
    answer = await person.api.post("/parse", json={"url": url})
    assert answer.status_code == 200, answer.text
    return url


async def test_of_a_page_with_eight_videos_all_but_one_arrive(
    window: OpenWindow, person: Person, site: Site
) -> None:
    page = await (await window()).tab()
    await person.sign_in(page)

    await paste(page, site.several_url(*EIGHT))
    preview = page.get_by_role("region", name="Preview")
    await expect(preview).to_contain_text("Playlist of 8 videos")
    await preview.get_by_role("checkbox", name="Several (3)").uncheck()
    await page.get_by_role("button", name="Download 7").click()
    await expect(page.get_by_role("button", name="Save Several")).to_have_count(7)

    files = {item["title"]: item["file_hash"] for item in await person.history()}
    clips = {f"Several ({n})": site.md5(f"/clips/{clip}.mp4") for n, clip in enumerate(EIGHT, 1)}
    del clips["Several (3)"]
    assert files == clips


async def test_a_list_that_the_server_refuses_is_shown_to_choose_from(
    window: OpenWindow, person: Person, site: Site
) -> None:
    browser = await window()
    page = await browser.tab()
    await person.sign_in(page)
    url = await known_list(person, site.several_url(48, 49))
    await fail_to_look(page, times=1)

    await paste(page, url)
    preview = page.get_by_role("region", name="Preview")
    await expect(preview).to_contain_text("The server cannot be reached")
    await page.get_by_role("button", name="Download", exact=True).click()
    await expect(preview).to_contain_text("Playlist of 2 videos")
    await expect(page.get_by_role("alert")).to_contain_text(NOTHING_YET)
    before = await person.history()
    await page.get_by_role("button", name="Download 2").click()
    await expect(page.locator(".row")).to_have_count(2)

    assert before == []
    browser.faults = [one for one in browser.faults if "ERR_FAILED" not in one and "422" not in one]


async def test_of_several_links_the_one_that_is_refused_as_a_list_is_shown(
    window: OpenWindow, person: Person, site: Site
) -> None:
    browser = await window()
    page = await browser.tab()
    await person.sign_in(page)
    url, single = await known_list(person, site.several_url(50, 51)), site.clip_url(52)
    await fail_to_look(page, times=2)

    await submit(page, single, url)
    preview = page.get_by_role("region", name="Preview")
    await expect(preview).to_contain_text("Playlist of 2 videos")

    await expect(page.get_by_label("What shall be fetched?")).to_have_value(url)
    await expect(page.get_by_role("alert")).to_contain_text(NOTHING_YET)
    assert [item["url"] for item in await person.history()] == [single]
    browser.faults = [one for one in browser.faults if "ERR_FAILED" not in one]


async def test_a_download_that_turned_out_to_be_a_list_is_chosen_from(
    window: OpenWindow, person: Person, site: Site
) -> None:
    await person.submit_batch([site.several_url(53, 54)])
    page = await (await window()).tab()
    await person.sign_in(page)

    await page.get_by_role("button", name="Choose from ").click()
    preview = page.get_by_role("region", name="Preview")
    await expect(preview).to_contain_text("Playlist of 2 videos")
    await expect(page.get_by_role("alert")).to_contain_text(NOTHING_YET)
    await preview.get_by_role("checkbox", name="Several (1)").uncheck()
    await page.get_by_role("button", name="Download", exact=True).click()

    await expect(page.get_by_role("button", name="Save Several (2)")).to_be_visible()


async def test_a_list_that_is_cut_says_so(window: OpenWindow, person: Person) -> None:
    page = await (await window()).tab()
    await person.sign_in(page)

    with Shelf() as shelf:
        await paste(page, shelf.url("/feed", items=621))
        preview = page.get_by_role("region", name="Preview")
        cut = "Playlist of more than 500 videos; these are the first 500"
        await expect(preview).to_contain_text(cut)

    await expect(preview).to_contain_text("500 of 500 selected")
