"""One running program, one Chromium, and windows in which people work."""

import itertools
import re
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator, Sequence
from contextlib import AsyncExitStack
from typing import Any, cast

import httpx
import pytest
from playwright.async_api import Browser, Page, expect

from tests.conftest import installed
from tests.support.browser import Window, chromium, find_program
from tests.support.program import Program
from tests.support.waiting import eventually

PASSWORD = "a calm sea at dawn"
TIMEOUT_MS = 60_000
_ADMIN = re.compile(r"^ +password +(\S+)$", re.MULTILINE)
_numbers = itertools.count(1)

expect.set_options(timeout=TIMEOUT_MS)

OpenWindow = Callable[..., Awaitable[Window]]


def settings_of_program() -> dict[str, str]:
    """Return the environment of a program that may fetch from the tests' own site."""
    return {
        "VASSET_EGRESS__ALLOW_PRIVATE": '["127.0.0.0/8"]',
        "VASSET_DOWNLOADS__BACKOFF_S": '{"min": 0.1, "max": 0.2}',
        "VASSET_DOWNLOADS__SITE_COOLDOWN_S": "1",
        "VASSET_DOWNLOADS__MAX_ATTEMPTS": "2",
        "VASSET_QUOTA__DAILY_DOWNLOADS": "1000",
        "VASSET_AUTH__REGISTRATIONS_PER_ADDRESS": "1000",
    }


@pytest.fixture(scope="session")
def program(tmp_path_factory: pytest.TempPathFactory) -> Generator[Program]:
    """`vasset up`, which may fetch from the tests' own site."""
    installed(lambda: find_program("chromium", "apt-get install chromium"))
    with Program(tmp_path_factory.mktemp("up") / "data", settings_of_program()) as program:
        yield program


@pytest.fixture(scope="session")
async def browser(program: Program) -> AsyncGenerator[Browser]:
    del program  # It says first whether there is a browser.
    async with chromium() as browser:
        yield browser


@pytest.fixture
async def window(browser: Browser, program: Program) -> AsyncGenerator[OpenWindow]:
    """Open a window; at the end nothing went wrong on any of its pages."""
    async with AsyncExitStack() as stack:
        windows: list[Window] = []

        async def opened(locale: str = "en-GB", **options: Any) -> Window:  # noqa: ANN401 - Playwright's own
            context = await browser.new_context(locale=locale, **options)
            stack.push_async_callback(context.close)
            context.set_default_timeout(TIMEOUT_MS)
            windows.append(Window(context=context, url=program.url))
            return windows[-1]

        yield opened
        assert [window.faults for window in windows if window.faults] == []


class Person:
    """An account of its own, and the API as a script would use it."""

    def __init__(self, url: str, email: str | None = None, password: str = PASSWORD) -> None:
        self.email = email or f"person{next(_numbers)}@example.com"
        self.password = password
        self.api = httpx.AsyncClient(base_url=f"{url}/api/v1", timeout=60)

    async def join(self) -> None:
        account = {"email": self.email, "password": self.password}
        answer = await self.api.post("/auth/register", json=account)
        assert answer.status_code == 201, answer.text
        answer = await self.api.post("/auth/login", json=account)
        self.api.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"

    async def submit(self, *urls: str, mode: str = "quick_download") -> None:
        """Submit, and return when each has a file."""
        await self.submit_batch(urls, mode)

        async def probe() -> bool:
            return all(item["status_code"] in (1, 3) for item in await self.history())

        await eventually(probe, timeout_s=60, what=f"{urls} to be ready")

    async def submit_batch(
        self, urls: Sequence[str], mode: str = "quick_download", webhook: str | None = None
    ) -> int:
        asked = {"urls": urls, "mode": mode, "webhook": webhook}
        answer = await self.api.post("/download/batch", json=asked)
        assert answer.status_code == 202, answer.text
        return cast("int", answer.json()["batch_id"])

    async def history(self) -> list[dict[str, Any]]:
        answer = await self.api.get("/user/history")
        return cast("list[dict[str, Any]]", answer.json()["items"])

    async def sign_in(self, page: Page, view: str = "History") -> None:
        await page.get_by_label("E-mail").fill(self.email)
        await page.get_by_label("Password", exact=True).fill(self.password)
        await page.get_by_role("button", name="Sign in", exact=True).click()
        await expect(page.get_by_role("heading", name=view)).to_be_visible()


@pytest.fixture
async def person(program: Program) -> AsyncGenerator[Person]:
    ada = Person(program.url)
    await ada.join()
    yield ada
    await ada.api.aclose()


@pytest.fixture
def admin(program: Program) -> Person:
    return Person(program.url, "admin@localhost", _ADMIN.findall(program.output)[0])
