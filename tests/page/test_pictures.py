"""Pictures of videos, as a real Chromium shows them; a window fails a test that asks a stranger."""

from playwright.async_api import expect

from tests.page.conftest import OpenWindow, Person
from tests.page.test_views import STILL, faults
from tests.support.gallery import TITLE, Gallery


async def test_a_video_is_shown_by_its_picture_where_there_is_one(
    window: OpenWindow, person: Person
) -> None:
    page = await (await window(**STILL)).tab()
    await person.sign_in(page)
    address = page.get_by_label("What shall be fetched?")
    preview = page.get_by_role("region", name="Preview")
    picture = preview.get_by_role("img", name=f"Picture of “{TITLE}”")

    with Gallery() as gallery:
        await address.fill(gallery.watch_url("false.png"))
        await expect(preview.get_by_role("heading", name=TITLE)).to_be_visible()
        without = await preview.locator(".tile").bounding_box()
        await expect(picture).to_have_count(0)

        await address.fill(gallery.watch_url("red.webp"))
        await expect(picture).to_be_visible()
        shown = await preview.locator(".tile").bounding_box()
        size = await picture.evaluate("(image) => [image.naturalWidth, image.naturalHeight]")
        wrong = await faults(page)

        await page.get_by_role("button", name="Download", exact=True).click()
        row = page.locator(".row").filter(has_text=TITLE)
        await expect(row.locator(".tile img")).to_be_visible()

    assert size == [320, 180]
    assert shown == without
    assert wrong == []
