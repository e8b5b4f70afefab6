"""Everybody's accounts, as an administrator finds and changes them."""

import asyncio
import re

from playwright.async_api import Route, expect

from tests.page.conftest import OpenWindow, Person


async def test_whom_an_administrator_disables_is_out_at_once(
    window: OpenWindow, person: Person, admin: Person
) -> None:
    theirs = await (await window()).tab()
    await person.sign_in(theirs)
    await expect(theirs.get_by_role("link", name="Administration")).to_have_count(0)
    page = await (await window()).tab()
    await admin.sign_in(page)
    await page.get_by_role("link", name="Administration").click()

    await page.get_by_role("searchbox", name="Search e-mail").fill(person.email)
    account = page.get_by_role("listitem").filter(has_text=person.email)
    await account.get_by_role("button", name="Disable").click()

    await expect(account.get_by_role("button", name="Enable")).to_be_visible()
    await expect(theirs.get_by_role("button", name="Sign in", exact=True)).to_be_visible()


async def test_a_list_that_comes_late_is_not_mixed_into_what_was_searched_since(
    window: OpenWindow, person: Person, admin: Person
) -> None:
    page = await (await window()).tab()
    is_searched, is_answered = asyncio.Event(), asyncio.Event()

    async def hold(route: Route) -> None:
        answer = await route.fetch()
        await is_searched.wait()
        await route.fulfill(response=answer)
        is_answered.set()

    await admin.sign_in(page)
    await page.route(re.compile("/admin/users$"), hold, times=1)
    await page.get_by_role("link", name="Administration").click()
    await page.get_by_role("searchbox", name="Search e-mail").fill(person.email)
    account = page.get_by_role("listitem").filter(has_text=person.email)
    await expect(account).to_be_visible()
    is_searched.set()
    await is_answered.wait()
    # What is asked for after that answer comes after it.
    await page.evaluate("fetch('/healthz').then((answer) => answer.text())")

    await expect(account).to_have_count(1)
    await expect(page.get_by_role("listitem").filter(has_text="admin@localhost")).to_have_count(0)
