"""What people do on the page, in a real Chromium against the running program."""

import hashlib
from pathlib import Path

from playwright.async_api import Page, expect

from tests.page.conftest import PASSWORD, OpenWindow, Person
from tests.support.site import Site


async def submit(page: Page, *urls: str) -> None:
    await page.get_by_label("What shall be fetched?").fill("\n".join(urls))
    await page.get_by_role("button", name="Download", exact=False).last.click()


async def test_from_a_new_account_to_a_saved_file(
    window: OpenWindow, site: Site, tmp_path: Path
) -> None:
    page = await (await window()).tab()
    url = site.watch_url(3, "The old harbour", bytes_per_s=60_000)

    await page.get_by_role("button", name="Create an account").click()
    await page.get_by_label("E-mail").fill("new.person@example.com")
    await page.get_by_label("Password", exact=True).fill(PASSWORD)
    await page.get_by_role("button", name="Create account").click()
    await page.get_by_label("What shall be fetched?").fill(url)
    await expect(page.get_by_role("region", name="Preview")).to_contain_text("The old harbour")
    await page.get_by_role("button", name="Download").last.click()
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
