"""Debian's Chromium, driven by Playwright, and a page that keeps what went wrong on it."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from playwright.async_api import Browser, BrowserContext, ConsoleMessage, Page, async_playwright

from tests.support.parts import find_program

REMEDY = "apt-get install chromium"


@asynccontextmanager
async def chromium() -> AsyncGenerator[Browser]:
    """Yield a browser.

    Raises:
        MissingPartError: Chromium is not installed, or does not start here.
    """
    program = find_program("chromium", REMEDY)
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=program)
        try:
            yield browser
        finally:
            await browser.close()


@dataclass(kw_only=True)
class Window:
    """A browser with cookies and tabs of its own; `faults` must stay empty."""

    context: BrowserContext
    url: str
    faults: list[str] = field(default_factory=list[str])

    async def tab(self, address: str = "/") -> Page:
        """Open another tab."""
        page = await self.context.new_page()
        page.on("pageerror", lambda error: self.faults.append(str(error)))
        page.on("console", self._hear)
        page.on("request", lambda request: self._judge(request.url))
        await page.goto(self.url + address)
        return page

    def _hear(self, said: ConsoleMessage) -> None:
        if said.type == "error":
            self.faults.append(said.text)

    def _judge(self, url: str) -> None:
        if not url.startswith((self.url, "data:", "blob:")):
            self.faults.append(f"asked a stranger: {url}")
