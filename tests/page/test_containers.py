"""The form of the file: what the page offers beside each quality, and what then arrives."""

import pytest
from playwright.async_api import Page, expect

from tests.page.conftest import OpenWindow, Person
from tests.page.test_journeys import paste
from tests.support.site import Site

OF_VIDEO = ["As it comes", "MP4", "MKV", "WebM"]
OF_SOUND = ["As it is", "MP3", "M4A", "Opus", "FLAC", "WAV"]


async def choose(page: Page, quality: str, container: str) -> None:
    await page.get_by_label("Quality").select_option(quality)
    await page.get_by_label("Format", exact=True).select_option(container)


@pytest.mark.parametrize(
    ("quality", "container", "suffix"),
    [("audio", "MP3", ".mp3"), ("audio", "As it is", ".m4a"), ("best", "MKV", ".mkv")],
)
async def test_the_file_has_the_form_that_was_chosen(
    window: OpenWindow, person: Person, site: Site, quality: str, container: str, suffix: str
) -> None:
    page = await (await window()).tab()
    await person.sign_in(page)

    await paste(page, site.watch_url(31, "A song by the sea"))
    await expect(page.get_by_role("region", name="Preview")).to_contain_text("A song by the sea")
    await choose(page, quality, container)
    await page.get_by_role("button", name="Download", exact=True).click()
    async with page.expect_download() as saving:
        await page.get_by_role("button", name="Save A song by the sea").click()

    assert (await saving.value).suggested_filename == f"A song by the sea{suffix}"


async def test_each_quality_offers_its_own_forms_and_this_browser_remembers_them(
    window: OpenWindow, person: Person, site: Site
) -> None:
    page = await (await window()).tab()
    await person.sign_in(page)
    quality, container = page.get_by_label("Quality"), page.get_by_label("Format", exact=True)
    options = container.locator("option")

    await expect(options).to_have_text(OF_VIDEO)
    await choose(page, "audio", "FLAC")
    await expect(options).to_have_text(OF_SOUND)
    await quality.select_option("best")
    await expect(container).to_have_value("")
    await quality.select_option("audio")
    await expect(container).to_have_value("flac")
    await paste(page, site.clip_url(32))
    await page.locator("form.submit button[type=submit]").click()
    await expect(page.locator(".row")).to_have_count(1)
    await page.reload()

    await expect(container).to_have_value("")
    await quality.select_option("audio")
    await expect(container).to_have_value("flac")
