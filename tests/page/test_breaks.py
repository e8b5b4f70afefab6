"""What the page knows after its line to the server broke, and what it says meanwhile."""

from playwright.async_api import Page, expect

from tests.page.conftest import OpenWindow, Person
from tests.page.test_journeys import submit
from tests.support.site import Site
from tests.support.waiting import eventually

# A browser whose sockets can be broken, and kept from coming back until `window.comeBack()`.
# Numbers are spoilt if `window.isForgotten`: the server then answers with a snapshot.
BREAKABLE = """
  window.sockets = [];
  const Real = WebSocket;
  class Silent extends EventTarget { close() {} }
  window.WebSocket = function (address, protocols) {
    if (window.isAway) return new Silent();
    const url = new URL(address);
    if (window.isForgotten && url.searchParams.has("since")) url.searchParams.set("since", 1);
    const line = new Real(url, protocols);
    line.told = [];
    line.addEventListener("message", (event) => line.told.push(JSON.parse(event.data).type));
    window.sockets.push(line);
    return line;
  };
  window.leave = () => { window.isAway = true; window.sockets.at(-1).close(); };
  window.comeBack = () => { window.isAway = false; dispatchEvent(new Event("online")); };
"""
NOTICE = "No connection to the server."


async def breakable(window: OpenWindow, person: Person) -> Page:
    browser = await window()
    await browser.context.add_init_script(BREAKABLE)
    page = await browser.tab()
    await person.sign_in(page)
    await page.wait_for_function("() => sockets.at(-1)?.told.includes('snapshot')")
    return page


async def end_one(person: Person, url: str) -> None:
    """Submit and cancel, which waits for no slot; return when it has ended."""
    batch_id = await person.submit_batch([url])
    await person.api.post(f"/download/batch/{batch_id}/cancel")

    async def probe() -> bool:
        ended = [item["url"] for item in await person.history() if item["status_code"] == 6]
        return url in ended

    await eventually(probe, timeout_s=60, what=f"{url} to be cancelled")


async def test_a_line_that_comes_back_goes_on_where_it_broke(
    window: OpenWindow, person: Person, site: Site
) -> None:
    page = await breakable(window, person)
    rows = page.locator(".history .row")
    await end_one(person, site.clip_url(1))
    await expect(rows).to_have_count(1)

    await page.evaluate("() => leave()")
    await expect(page.get_by_text(NOTICE)).to_be_visible()
    await page.evaluate("() => comeBack()")
    await expect(page.get_by_text(NOTICE)).to_be_hidden()
    quiet = await page.evaluate("() => sockets.at(-1).told")
    await page.evaluate("() => leave()")
    await end_one(person, site.clip_url(2))
    await page.evaluate("() => comeBack()")

    await expect(rows).to_have_count(2)
    told = await page.evaluate("() => sockets.at(-1).told")
    addresses = await page.evaluate("() => sockets.map((line) => line.url)")
    assert quiet == []
    assert told
    assert "snapshot" not in told
    assert ["since=" in address for address in addresses] == [False, True, True]


async def test_what_a_new_snapshot_does_not_say_is_found_in_the_history(
    window: OpenWindow, person: Person, site: Site
) -> None:
    page = await breakable(window, person)

    await page.evaluate("() => { window.isForgotten = true; leave(); }")
    await end_one(person, site.clip_url(3))
    await page.evaluate("() => comeBack()")

    await expect(page.locator(".history .row")).to_have_count(1)
    assert "snapshot" in await page.evaluate("() => sockets.at(-1).told")


async def test_another_attempt_says_why_the_first_one_failed(
    window: OpenWindow, person: Person, site: Site
) -> None:
    browser = await window()
    page = await browser.tab()
    await person.sign_in(page)

    await submit(page, site.url("/flaky/why", times=2, status=503, bytes_per_s=4_000))

    row = page.locator(".progress-section .row")
    await expect(row.get_by_text("The site did not answer properly.")).to_be_visible()
    await expect(row).to_contain_text("attempt 2")
    # The look was refused first; the browser itself tells of it.
    browser.faults = [fault for fault in browser.faults if "422" not in fault]


async def test_who_signs_out_is_not_told_that_the_session_has_ended(
    window: OpenWindow, person: Person
) -> None:
    page = await (await window()).tab()
    await person.sign_in(page)

    await page.get_by_role("button", name="Sign out").click()

    await expect(page.get_by_text("Videos, fetched and kept for you.")).to_be_visible()
