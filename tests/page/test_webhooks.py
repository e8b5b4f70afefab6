"""Webhooks on the page: their secret, their address at a submit, and their log."""

import re

from playwright.async_api import Page, expect

from tests.page.conftest import OpenWindow, Person
from tests.support.receiver import Receiver, status
from tests.support.site import Site

NOWHERE = "https://127.0.0.1:1/nobody/listens"


async def submit(page: Page, url: str, webhook: str) -> None:
    field = page.get_by_label("Webhook address")
    if not await field.is_visible():
        await page.locator("summary").focus()
        await page.keyboard.press("Enter")
    await field.fill(webhook)
    await page.get_by_label("What shall be fetched?").fill(url)
    await page.locator("form.submit button[type=submit]").click()


async def test_a_webhook_from_its_secret_to_its_second_telling(
    window: OpenWindow, person: Person, site: Site
) -> None:
    browser = await window()
    page = await browser.tab("/#/settings")
    await person.sign_in(page, "Settings")
    await page.get_by_role("button", name="Create secret").click()
    secret = await page.get_by_label("The new secret").input_value()
    await page.reload()
    await expect(page.get_by_text("There is a secret since")).to_be_visible()
    assert secret.startswith("whsec_")
    assert secret not in await page.content()
    assert await page.get_by_label("The new secret").count() == 0
    await page.get_by_role("button", name="Show a new secret").click()
    await expect(page.get_by_label("The new secret")).not_to_have_value(secret)
    await expect(page.get_by_text("The one before signs beside it until")).to_be_visible()

    await page.get_by_role("link", name="Downloads").click()
    await submit(page, site.watch_url(1, "Told of"), "no address")
    field = page.get_by_label("Webhook address")
    await expect(field).to_be_focused()
    await expect(field).to_have_attribute("aria-invalid", "true")
    await expect(page.locator("details")).to_contain_text("This is not a valid link.")
    await expect(page.get_by_label("What shall be fetched?")).not_to_have_value("")
    assert await person.history() == []

    async with Receiver(None) as receiver:
        receiver.answers["/hook"] = [status(410), status(200)]
        await submit(page, site.watch_url(1, "Told of"), receiver.url())
        await page.get_by_role("link", name="Settings").click()
        told = page.get_by_role("listitem").filter(has_text=receiver.url())
        await expect(told).to_contain_text(re.compile("Download ready not delivered.*HTTP 410"))
        await told.get_by_role("button", name="Send again").click()
        await expect(told).to_contain_text(re.compile("delivered.*HTTP 200.*HTTP 410"))
        await told.get_by_role("button", name="Send again").click()
        await expect(page.locator(".toast.bad")).to_contain_text("once a minute")
        assert len({one.headers["webhook-id"] for one in receiver.told}) == 1
        assert len(receiver.told) == 2

    await page.get_by_role("link", name="Downloads").click()
    await expect(page.get_by_label("Webhook address")).to_have_value(re.compile("/hook$"))
    await submit(page, site.watch_url(2, "Told nobody"), NOWHERE)
    await page.get_by_role("link", name="Settings").click()
    lost = page.get_by_role("listitem").filter(has_text=NOWHERE)
    await expect(lost).to_contain_text("It could not be reached.")
    await expect(lost).to_contain_text("next attempt")
    await expect(lost.get_by_role("button", name="Send again")).to_be_disabled()
    # What was refused on purpose; the browser tells of each.
    browser.faults = [one for one in browser.faults if not re.search("status of 4(22|29)", one)]
