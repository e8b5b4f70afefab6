"""Take the pictures of docs/screenshots anew: python -m tests.page.screenshots.

The Chinese ones need a font, such as that of Debian's fonts-noto-cjk.
"""

import asyncio
import tempfile
from dataclasses import dataclass
from pathlib import Path

from playwright.async_api import Browser, Page, ViewportSize

from tests.page.conftest import Person, settings_of_program
from tests.support.browser import Window, chromium
from tests.support.program import Program
from tests.support.site import Site

FOLDER = Path(__file__).parents[2] / "docs" / "screenshots"
WIDE, PHONE = ViewportSize(width=1200, height=1120), ViewportSize(width=360, height=780)
READY = {
    "en": ("The old harbour at dawn", "How bread is made", "A night train through the Alps"),
    "zh": ("清晨的老港口", "面包是怎样做成的", "穿越阿尔卑斯的夜车"),
}
ON_THEIR_WAY = {
    "en": (("Whales of the northern sea", 9_000), ("An evening with the orchestra", 5_000)),
    "zh": (("北方海域的鲸鱼", 9_000), ("与乐团共度的夜晚", 5_000)),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """One picture and how its browser is."""

    name: str
    language: str = "en"
    scheme: str = "light"
    size: ViewportSize


PICTURES = (
    Picture(name="downloads", size=WIDE),
    Picture(name="dark", size=WIDE, scheme="dark"),
    Picture(name="chinese", size=WIDE, language="zh"),
    Picture(name="phone", size=PHONE),
    Picture(name="phone-chinese-dark", size=PHONE, language="zh", scheme="dark"),
)


async def take(browser: Browser, url: str, site: Site, picture: Picture) -> None:
    """Let somebody fetch a few videos, and take the picture while some are on their way."""
    person = Person(url)
    await person.join()
    language = picture.language
    gone = site.url("/status/404")
    await person.submit(*(site.watch_url(n, name) for n, name in enumerate(READY[language])))
    locale = "zh-CN" if language == "zh" else "en-GB"
    context = await browser.new_context(
        locale=locale,
        color_scheme="dark" if picture.scheme == "dark" else "light",
        viewport=picture.size,
        is_mobile=picture.size is PHONE,
    )
    page = await Window(context=context, url=url).tab()
    await enter(page, person)
    await submit(page, gone)
    await page.locator(".trouble").wait_for()
    for n, (name, speed) in enumerate(ON_THEIR_WAY[language]):
        await submit(page, site.watch_url(7 + n, name, bytes_per_s=speed))
    await page.wait_for_function(
        "() => [...document.querySelectorAll('progress')].filter((p) => p.value > 15).length > 1"
    )
    await page.evaluate("() => document.activeElement.blur()")
    await page.screenshot(path=FOLDER / f"{picture.name}.png")
    await context.close()
    await person.api.aclose()


async def enter(page: Page, person: Person) -> None:
    await page.locator("input[name=email]").fill(person.email)
    await page.locator("input[name=password]").fill(person.password)
    await page.locator("form button[type=submit]").click()
    await page.locator("form.submit").wait_for()


async def submit(page: Page, url: str) -> None:
    await page.locator("textarea").fill(url)
    await page.locator(".preview .found, .preview .fault").first.wait_for()
    await page.locator("form.submit button[type=submit]").click()


async def main() -> None:
    FOLDER.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        media = Path(folder) / "media"
        media.mkdir()
        with Site(media) as site, Program(Path(folder) / "data", settings_of_program()) as program:
            async with chromium() as browser:
                for picture in PICTURES:
                    await take(browser, program.url, site, picture)


if __name__ == "__main__":
    asyncio.run(main())
