"""How each view is: for everybody's eyes, hands and languages, on every width."""

import itertools
import re
from collections.abc import AsyncGenerator
from importlib import resources
from typing import Any

import pytest
from playwright.async_api import Page, ViewportSize, expect

from tests.page.conftest import OpenWindow, Person
from tests.support.site import Site
from tests.support.waiting import eventually

_numbers = itertools.count(200)

# A colour on its way to another one is not one that anybody has to read.
STILL = {"reduced_motion": "reduce"}
PHONE = ViewportSize(width=360, height=780)
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
# 44 px is ours; boxes have a row of their own to be hit in.
SMALL = """() => [...document.querySelectorAll("button, a, select, summary, .segment")]
    .filter((e) => e.checkVisibility() && !e.classList.contains("skip"))
    .filter((e) => e.getBoundingClientRect().height < 43.5)
    .map((e) => e.outerHTML.slice(0, 120))"""
WIDE = "() => document.documentElement.scrollWidth - document.documentElement.clientWidth"


async def faults(page: Page) -> list[str]:
    """Return what axe says is wrong, by rule and place."""
    files = resources.files("axe_playwright_python")
    script = (files / "axe.min.js").read_text(encoding="utf-8")
    await page.evaluate(f"() => {{ {script}; window.axe = axe; }}")
    found: dict[str, Any] = await page.evaluate(
        "(values) => axe.run(document, { runOnly: { type: 'tag', values } })", RULES
    )
    return [f"{one['id']}: {node['html']}" for one in found["violations"] for node in one["nodes"]]


@pytest.fixture
async def busy(person: Person, site: Site) -> AsyncGenerator[Person]:
    """Somebody with a file, a failure that a webhook is to be told of, and one on its way."""
    await person.submit(site.watch_url(1, "A morning at sea"))
    slow = site.held_url(next(_numbers))
    urls = [site.url("/status/404"), slow]
    await person.submit_batch(urls, webhook=f"https://127.0.0.1:1/{'long' * 40}")

    async def has_failed() -> bool:
        return any(item["status"] == "failed" for item in await person.history())

    await eventually(has_failed, timeout_s=60)
    yield person
    site.hurry(slow)


async def show_webhooks(page: Page) -> None:
    """Show all of the settings: keys, a new secret of webhooks, and a fault in their log."""
    await expect(page.get_by_role("heading", name="API keys")).to_be_visible()
    await page.get_by_role("button", name="Show a new secret").click()
    await expect(page.get_by_label("The new secret")).to_be_visible()
    await expect(page.get_by_text("It could not be reached.").first).to_be_visible()


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_no_view_shuts_anybody_out(
    window: OpenWindow, busy: Person, admin: Person, scheme: str
) -> None:
    browser = await window(color_scheme=scheme, **STILL)
    page = await browser.tab()
    await expect(page.get_by_role("button", name="Sign in", exact=True)).to_be_visible()
    told = {"entrance": await faults(page)}

    await busy.sign_in(page)
    await page.get_by_label("What shall be fetched?").fill(
        "http://a.test/1\nhttp://a.test/2\nnonsense"
    )
    await expect(page.get_by_role("progressbar")).to_be_visible()
    await page.get_by_role("checkbox", name="Select A morning").check()
    await page.get_by_text("More choices").click()
    told["downloads"] = await faults(page)
    await page.get_by_role("link", name="Settings").click()
    await show_webhooks(page)
    told["settings"] = await faults(page)
    await page.get_by_role("button", name="Sign out", exact=True).click()
    await admin.sign_in(page)
    await page.get_by_role("link", name="Administration").click()
    await expect(page.get_by_text("working")).to_be_visible()
    told["administration"] = await faults(page)

    assert {name: wrong for name, wrong in told.items() if wrong} == {}
    # There is nothing at the links; the browser itself tells of each look.
    browser.faults = [fault for fault in browser.faults if "422" not in fault]


async def test_a_phone_shows_all_of_it_and_everything_can_be_hit(
    window: OpenWindow, busy: Person, admin: Person
) -> None:
    page = await (await window(viewport=PHONE, has_touch=True, is_mobile=True, **STILL)).tab()
    seen: dict[str, tuple[int, list[str], list[str]]] = {}

    async def look(view: str) -> None:
        seen[view] = (
            await page.evaluate(WIDE),
            await page.evaluate(SMALL),
            await faults(page),
        )

    await expect(page.get_by_role("button", name="Sign in", exact=True)).to_be_visible()
    await look("entrance")
    await busy.sign_in(page)
    await expect(page.get_by_role("progressbar")).to_be_visible()
    await page.get_by_role("checkbox", name="Select A morning").check()
    await page.get_by_text("More choices").click()
    await look("downloads")
    await page.get_by_role("link", name="Settings").click()
    await show_webhooks(page)
    await look("settings")
    await page.get_by_role("button", name="Sign out", exact=True).click()
    await admin.sign_in(page)
    await page.get_by_role("link", name="Administration").click()
    await expect(page.get_by_text("working")).to_be_visible()
    await look("administration")

    wrong = {view: found for view, found in seen.items() if found != (0, [], [])}
    assert wrong == {}


async def test_a_tablet_breaks_no_word_of_the_head(window: OpenWindow, admin: Person) -> None:
    page = await (await window(viewport=ViewportSize(width=710, height=900), **STILL)).tab()
    await admin.sign_in(page)

    links = await page.get_by_role("navigation").get_by_role("link").all()
    heights = [(await link.bounding_box() or {}).get("height") for link in links]

    assert heights == [44, 44, 44]
    # A window with a scroll bar is narrower than what it shows.
    assert await page.evaluate(WIDE) <= 0


async def test_a_chinese_browser_reads_chinese_until_somebody_chooses(
    window: OpenWindow, person: Person
) -> None:
    page = await (await window(locale="zh-CN")).tab()
    await expect(page.get_by_role("button", name="登录", exact=True)).to_be_visible()
    assert await page.locator("html").get_attribute("lang") == "zh-Hans"

    await page.get_by_role("button", name="English").click()
    await person.sign_in(page)
    await page.reload()
    await expect(page.get_by_role("heading", name="History")).to_be_visible()
    await page.get_by_role("link", name="Settings").click()
    await page.get_by_role("radio", name="中文").check()

    await expect(page.get_by_role("heading", name="外观与语言")).to_be_visible()


async def test_numbers_and_times_are_in_the_form_of_the_user(
    window: OpenWindow, person: Person
) -> None:
    german = await (await window(locale="en-DE", timezone_id="Europe/Berlin")).tab()
    await person.sign_in(german)

    await expect(german.get_by_text("0 of 1.000")).to_be_visible()


async def test_the_keyboard_goes_everywhere(window: OpenWindow, person: Person) -> None:
    page = await (await window()).tab()
    await page.get_by_label("E-mail").focus()
    await page.keyboard.type(person.email)
    await page.keyboard.press("Tab")
    await page.keyboard.type(person.password)
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("heading", name="History")).to_be_visible()

    await page.keyboard.press("Tab")
    await expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    await page.keyboard.press("Enter")
    await page.keyboard.press("Tab")
    await expect(page.get_by_label("What shall be fetched?")).to_be_focused()
    await page.keyboard.type("nonsense")
    await page.keyboard.press("Enter")

    await expect(page.get_by_role("alert")).to_contain_text("There is no link in this text.")


async def test_the_appearance_is_chosen_and_kept(window: OpenWindow, person: Person) -> None:
    page = await (await window(color_scheme="light")).tab("/#/settings")
    await person.sign_in(page, "Settings")

    await page.get_by_role("radio", name="Dark").check()
    await page.reload()

    await expect(page.get_by_role("radio", name="Dark")).to_be_checked()
    ground = await page.evaluate("() => getComputedStyle(document.documentElement).backgroundColor")
    assert ground == "rgb(18, 21, 23)"


async def test_a_key_is_shown_once_works_and_is_ended(window: OpenWindow, person: Person) -> None:
    page = await (await window()).tab("/#/settings")
    await person.sign_in(page, "Settings")

    await page.get_by_label("Name").fill("Backup")
    await page.get_by_role("button", name="Create key").click()
    key = await page.get_by_label("The new key").input_value()
    headers = {"Authorization": f"Bearer {key}"}
    before = await person.api.get("/user/history", headers=headers)
    await page.get_by_role("button", name="End key Backup").click()
    await expect(page.get_by_text("No keys yet.")).to_be_visible()
    after = await person.api.get("/user/history", headers=headers)

    assert (before.status_code, after.status_code) == (200, 401)


async def test_another_password_keeps_this_browser_signed_in(
    window: OpenWindow, person: Person
) -> None:
    page = await (await window()).tab("/#/settings")
    await person.sign_in(page, "Settings")

    await page.get_by_label("Current password").fill(person.password)
    await page.get_by_label("New password").fill("a boat upon the evening")
    await page.get_by_role("button", name="Change password").click()
    await expect(page.locator(".toast")).to_contain_text("The password was changed")
    await page.reload()

    await expect(page.get_by_role("heading", name="Settings")).to_be_visible()
    assert (await person.api.get("/auth/me")).status_code == 401


@pytest.mark.usefixtures("busy")
async def test_an_administrator_sees_how_the_days_went_and_what_fails(
    window: OpenWindow, admin: Person
) -> None:
    page = await (await window()).tab()
    await admin.sign_in(page)
    await page.get_by_role("link", name="Administration").click()

    days = page.get_by_role("img", name=re.compile("Last 14 days: Ready [1-9].*, Failed [1-9]"))
    await expect(days).to_be_visible()
    failures = page.get_by_role("region", name="Failures by site").get_by_role("listitem")
    await expect(failures.filter(has_text="127.0.0.1")).to_contain_text("The site")
    now = page.get_by_role("region", name="Now")
    await expect(now).to_contain_text(re.compile(r"Running[1-9]"))
