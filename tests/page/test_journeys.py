"""What people do on the page, in a real Chromium against the running program."""

import hashlib
import zipfile
from pathlib import Path

from playwright.async_api import Page, expect

from tests.page.conftest import PASSWORD, OpenWindow, Person
from tests.support.program import Program
from tests.support.shelf import Shelf
from tests.support.site import HOSTILE_TITLES, Site
from tests.support.waiting import eventually


async def paste(page: Page, *urls: str) -> None:
    await page.get_by_label("What shall be fetched?").fill("\n".join(urls))


async def submit(page: Page, *urls: str) -> None:
    await paste(page, *urls)
    await page.locator("form.submit button[type=submit]").click()


async def titles(person: Person, expected: list[str]) -> bool:
    return [item["title"] for item in await person.history()] == expected


async def test_from_a_new_account_to_a_saved_file(
    window: OpenWindow, site: Site, tmp_path: Path
) -> None:
    page = await (await window()).tab()

    await page.get_by_role("button", name="Create an account").click()
    await page.get_by_label("E-mail").fill("new.person@example.com")
    await page.get_by_label("Password", exact=True).fill(PASSWORD)
    await page.get_by_role("button", name="Create account").click()
    await paste(page, site.watch_url(3, "The old harbour", bytes_per_s=20_000))
    await expect(page.get_by_role("region", name="Preview")).to_contain_text("The old harbour")
    await page.get_by_role("button", name="Download", exact=True).click()
    await expect(page.get_by_role("progressbar", name="The old harbour")).to_be_visible()
    await expect(page.get_by_text("Fetching · ")).to_contain_text("/s")
    async with page.expect_download() as saving:
        await page.get_by_role("button", name="Save The old harbour").click()

    file = tmp_path / "saved"
    await (await saving.value).save_as(file)
    digest = hashlib.md5(file.read_bytes(), usedforsecurity=False).hexdigest()
    assert digest == site.md5("/clips/3.mp4")
    assert (await saving.value).suggested_filename == "The old harbour.mp4"


async def test_a_download_is_cancelled_and_goes_on_when_asked_again(
    window: OpenWindow, person: Person, site: Site
) -> None:
    page = await (await window()).tab()
    await person.sign_in(page)

    await submit(page, site.clip_url(4, bytes_per_s=10_000))
    await page.get_by_role("button", name="Cancel ").click()
    await expect(page.get_by_text("Cancelled ·")).to_be_visible()
    await page.get_by_role("button", name="Retry ").click()

    await expect(page.get_by_role("progressbar")).to_be_visible()
    await expect(page.get_by_text("Cancelled ·")).to_be_hidden()


async def test_a_failure_says_what_to_do_and_a_retry_mends_it(
    window: OpenWindow, person: Person, site: Site
) -> None:
    browser = await window()
    page = await browser.tab()
    await person.sign_in(page)

    await submit(page, site.url("/flaky/page", times=2, status=404))
    trouble = page.get_by_text("The site says that this video is not available.")
    await expect(trouble).to_contain_text("Check the link in your browser.")
    await page.get_by_role("button", name="Retry ").click()

    await expect(page.get_by_role("button", name="Save ")).to_be_visible()
    await expect(trouble).to_be_hidden()
    # The look was refused first; the browser itself tells of it.
    browser.faults = [fault for fault in browser.faults if "422" not in fault]


async def test_a_reload_and_a_second_tab_show_the_same_bars(
    window: OpenWindow, person: Person, site: Site
) -> None:
    browser = await window()
    first = await browser.tab()
    await person.sign_in(first)
    await submit(first, site.watch_url(5, "Seen twice", bytes_per_s=8_000))
    await expect(first.get_by_text("Fetching · ")).to_contain_text("/s")

    await first.reload()
    second = await browser.tab()

    for page in (first, second):
        await expect(page.get_by_role("progressbar")).to_be_visible()
        await expect(page.get_by_text("Fetching · ")).to_contain_text("/s")
    await second.get_by_role("button", name="Cancel ").click()
    await expect(first.get_by_text("Cancelled ·")).to_be_visible()


async def test_an_ended_session_loses_nothing_that_was_pasted(
    window: OpenWindow, person: Person, site: Site
) -> None:
    browser = await window()
    page = await browser.tab()
    await person.sign_in(page)
    url = site.watch_url(6, "Not lost")

    await paste(page, url)
    assert (await person.api.post("/auth/logout")).status_code == 204
    await expect(page.get_by_text("Your session has ended.")).to_be_visible()
    await person.sign_in(page)

    await expect(page.get_by_label("What shall be fetched?")).to_have_value(url)
    # The preview may have been refused meanwhile, which is what this is about.
    browser.faults = [fault for fault in browser.faults if "401" not in fault]


async def test_signing_out_here_is_noticed_in_the_other_tab(
    window: OpenWindow, person: Person
) -> None:
    browser = await window()
    first, second = await browser.tab(), await browser.tab()
    await person.sign_in(first)
    await second.reload()
    await expect(second.get_by_role("heading", name="History")).to_be_visible()

    await first.get_by_role("button", name="Sign out").click()

    await expect(first.get_by_role("button", name="Sign in", exact=True)).to_be_visible()
    await expect(second.get_by_role("button", name="Sign in", exact=True)).to_be_visible()


async def test_of_a_playlist_what_is_chosen_is_submitted(
    window: OpenWindow, person: Person
) -> None:
    page = await (await window()).tab()
    await person.sign_in(page)

    with Shelf() as shelf:
        await paste(page, shelf.url("/feed", items=3))
        preview = page.get_by_role("region", name="Preview")
        await expect(preview).to_contain_text("Playlist of 3 videos")
        await preview.get_by_role("checkbox", name="Select all").uncheck()
        for number in (0, 2):
            await preview.get_by_role("checkbox", name=f"example/{number}").check()
        await expect(preview).to_contain_text("2 of 3 selected")
        await page.get_by_role("button", name="Download 2").click()

    await expect(page.locator(".row")).to_have_count(2)
    submitted = {item["url"] for item in await person.history()}
    assert submitted == {"http://video.example/0", "http://video.example/2"}


async def test_a_text_file_is_dropped_and_read(
    window: OpenWindow, person: Person, tmp_path: Path
) -> None:
    page = await (await window()).tab()
    await person.sign_in(page)
    file = tmp_path / "links.txt"
    file.write_text("# mine\nhttp://a.test/1\nhttp://a.test/2 http://a.test/1\nnot one\n")

    await page.locator("input[type=file]").set_input_files(file)

    await expect(page.get_by_role("button", name="Download 2")).to_be_visible()
    await expect(
        page.get_by_text("2 links · 1 piece of text is not a link: not one")
    ).to_be_visible()


async def test_titles_of_strangers_are_texts(
    window: OpenWindow, person: Person, site: Site
) -> None:
    page = await (await window()).tab()
    await person.sign_in(page)
    title = next(title for title in HOSTILE_TITLES if "<script>" in title)

    await submit(page, site.watch_url(7, title))

    await expect(page.get_by_role("heading", name=title)).to_be_visible()
    assert await page.locator("main script").count() == 0


async def test_several_files_come_as_one_archive_and_are_deleted_together(
    window: OpenWindow, person: Person, site: Site, tmp_path: Path
) -> None:
    await person.submit(*(site.watch_url(n, f"Part {n}") for n in (1, 2)), mode="archive")
    page = await (await window()).tab()
    await person.sign_in(page)
    for n in (1, 2):
        await page.get_by_role("checkbox", name=f"Select Part {n}").check()

    async with page.expect_download() as saving:
        await page.get_by_role("button", name="Save as ZIP").click()
    await (await saving.value).save_as(tmp_path / "parts.zip")
    await page.get_by_role("group", name="Selected").get_by_role("button", name="Delete").click()
    await expect(page.get_by_text("Nothing here yet")).to_be_visible()
    await page.get_by_role("button", name="Undo").click()
    await expect(page.get_by_role("heading", name="Part ")).to_have_count(2)
    await page.get_by_role("button", name="Delete Part 1").click()
    # Whoever leaves does not undo.
    await page.reload()

    await expect(page.get_by_role("heading", name="Part ")).to_have_count(1)
    await eventually(lambda: titles(person, ["Part 2"]), what="the deletion")
    with zipfile.ZipFile(tmp_path / "parts.zip") as archive:
        assert sorted(archive.namelist()) == ["Part 1.mp4", "Part 2.mp4"]


async def test_five_hundred_downloads_are_watched_and_scrolled_through(
    window: OpenWindow, person: Person, site: Site
) -> None:
    urls = [site.clip_url(n, bytes_per_s=2_000) for n in range(500)]
    batch_id = await person.submit_batch(urls)
    page = await (await window()).tab()
    await person.sign_in(page)

    await expect(page.get_by_role("heading", name="In progress 500")).to_be_visible()
    await expect(page.get_by_role("progressbar")).to_have_count(20)
    await person.api.post(f"/download/batch/{batch_id}/cancel")
    await expect(page.get_by_role("heading", name="In progress")).to_be_hidden()
    rows = page.locator(".history .row")
    await page.reload()
    await expect(rows).to_have_count(50)
    while await rows.count() < 500:
        before = await rows.count()
        await rows.last.scroll_into_view_if_needed()
        await expect(rows).not_to_have_count(before)
    await page.get_by_role("searchbox").fill("/clips/499.mp4")

    await expect(rows).to_have_count(1)


async def test_a_server_that_comes_back_is_found_again(
    window: OpenWindow, person: Person, site: Site, program: Program
) -> None:
    browser = await window()
    page = await browser.tab()
    await person.sign_in(page)
    await submit(page, site.watch_url(8, "Without a break", bytes_per_s=12_000))
    await expect(page.get_by_text("Fetching · ")).to_contain_text("/s")

    web = next(child for child in program.family() if child.cmdline()[-1] == "web")
    web.kill()
    await expect(page.get_by_text("No connection to the server.")).to_be_visible()
    await expect(page.get_by_text("No connection to the server.")).to_be_hidden()

    await expect(page.get_by_role("button", name="Save Without a break")).to_be_visible()
    # The browser itself tells of each try.
    browser.faults = [fault for fault in browser.faults if "ERR_CONNECTION" not in fault]
