"""The page behind proxies and beside clocks that are not as they should be."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import urlsplit

from playwright.async_api import Browser, Page, expect

from tests.page.conftest import OpenWindow, Person, settings_of_program
from tests.page.test_journeys import submit
from tests.support.browser import Window
from tests.support.nginx import Nginx
from tests.support.ports import free_port
from tests.support.program import Program
from tests.support.site import Site

NOTICE = "lets no WebSocket through"


def deaf_nginx(program: Program, root: Path) -> Nginx:
    """Return an nginx that keeps back the headers which ask for a socket, as a short setup does."""
    port = urlsplit(program.url).port
    assert port is not None
    nginx = Nginx(port, root)
    place = nginx.folder / "vasset_proxy.conf"
    lines = place.read_text(encoding="utf-8").splitlines()
    kept = [line for line in lines if "Upgrade" not in line and "Connection" not in line]
    assert len(kept) == len(lines) - 2
    place.write_text("\n".join(kept), encoding="utf-8")
    return nginx


@asynccontextmanager
async def tab_at(browser: Browser, url: str, faults: list[str]) -> AsyncGenerator[Page]:
    """Open a page at another address of the program."""
    context = await browser.new_context(locale="en-GB")
    try:
        yield await Window(context=context, url=url, faults=faults).tab()
    finally:
        await context.close()


async def test_where_no_socket_gets_through_the_page_asks_and_tells_the_administrator(
    browser: Browser,
    program: Program,
    person: Person,
    admin: Person,
    site: Site,
    tmp_path: Path,
) -> None:
    url = site.watch_url(21, "Without a socket", bytes_per_s=8_000)

    with deaf_nginx(program, tmp_path) as nginx:
        async with tab_at(browser, nginx.url, []) as page:
            await person.sign_in(page)
            await submit(page, url)
            await expect(page.get_by_text("Fetching · ")).to_contain_text("%")
            await expect(page.get_by_role("button", name="Save Without a socket")).to_be_visible()
            seen_by_user = await page.get_by_text(NOTICE).count()
            away = await page.get_by_text("No connection").count()
        async with tab_at(browser, nginx.url, []) as page:
            await admin.sign_in(page)
            await expect(page.get_by_text(NOTICE)).to_be_visible()

    assert (seen_by_user, away) == (0, 0)


async def test_under_a_path_of_a_proxy_everything_is_found(
    browser: Browser, site: Site, tmp_path: Path
) -> None:
    faults: list[str] = []
    port = free_port()
    public_url = f"http://127.0.0.1:{port}/videos"
    settings = settings_of_program() | {"VASSET_SERVER__PUBLIC_URL": public_url}

    with Program(tmp_path / "data", settings, port=port) as program:
        person = Person(program.url)
        await person.join()
        await person.api.aclose()
        # A window takes for a fault what is asked for outside of its address.
        async with tab_at(browser, public_url, faults) as page:
            await person.sign_in(page)
            await submit(page, site.watch_url(22, "Under a path", bytes_per_s=40_000))
            await expect(page.get_by_text("Fetching · ")).to_contain_text("/s")
            save = page.get_by_role("button", name="Save Under a path")
            async with page.expect_download() as saving:
                await save.click()
            await (await saving.value).save_as(tmp_path / "saved")
            await page.reload()
            await expect(save).to_be_visible()
            await page.get_by_role("link", name="Settings").click()
            await expect(page.get_by_role("heading", name="API keys")).to_be_visible()

    assert (tmp_path / "saved").stat().st_size > 0
    assert faults == []


async def test_a_clock_that_is_hours_off_changes_no_time_that_is_left(
    window: OpenWindow, person: Person, site: Site
) -> None:
    await person.submit(site.watch_url(23, "In time"))
    browser = await window()
    await browser.context.add_init_script(
        "const real = Date.now; Date.now = () => real() - 5 * 3_600_000;"
        "const Plain = Date; globalThis.Date = class extends Plain {"
        "  constructor(...given) { super(...(given.length ? given : [Date.now()])); } };"
    )

    page = await browser.tab()
    await person.sign_in(page)

    await expect(page.get_by_text("left to save it")).to_contain_text("23 hrs")


async def test_a_row_says_what_it_waits_for(window: OpenWindow, person: Person, site: Site) -> None:
    page = await (await window()).tab()
    await person.sign_in(page)
    held = site.held_url(24)

    await person.submit_batch([held, held])

    rows = page.locator(".progress-section .row")
    await expect(rows.filter(has_text="another download of this video")).to_have_count(1)
    site.hurry(held)


async def test_a_row_says_what_is_missing_beside_its_video(
    window: OpenWindow, person: Person, site: Site
) -> None:
    wish = {"url": site.url("/subtitled/25"), "mode": "archive", "subtitles": ["fr"]}
    answer = await person.api.post("/download", json=wish)
    assert answer.status_code == 202, answer.text
    page = await (await window()).tab()
    await person.sign_in(page)

    row = page.locator(".row", has=page.get_by_role("button", name="Save "))

    await expect(row.get_by_role("listitem")).to_have_text("Subtitles are missing: fr.")
