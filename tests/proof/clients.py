"""The clients of a soak: several users who submit, cancel, and write down what they were told."""

import asyncio
import functools
import json
import random
from pathlib import Path

import httpx

from tests.support.site import Site
from tests.support.waiting import eventually

USERS = 5
MIB = 1 << 20


class Clients:
    """Submits mixed downloads over REST; ``accepted`` holds what was answered 202."""

    def __init__(self, base_url: str, site: Site, seed: int, journal: Path) -> None:
        self.accepted: dict[int, str] = {}
        self._base_url = base_url
        self._site = site
        self._random = random.Random(seed)  # noqa: S311 - a seed makes it repeatable
        self._journal = journal
        self._users: list[httpx.AsyncClient] = []
        self._asked: list[tuple[str, str]] = []

    async def join(self) -> None:
        """Register the users, once the web process answers."""
        for number in range(USERS):
            http = httpx.AsyncClient(base_url=self._base_url, trust_env=False, timeout=15)
            self._users.append(http)
            joined = functools.partial(self._joined, http, f"user{number}@example.com")
            await eventually(joined, timeout_s=60)

    async def submit_all(self, jobs: int, seconds: float) -> None:
        """Submit so many downloads, spread over so many seconds."""
        starts = sorted(self._random.uniform(0, seconds) for _ in range(jobs))
        plans = [(start, *self._plan(number)) for number, start in enumerate(starts)]
        await asyncio.gather(*(self._submit(*plan) for plan in plans))

    async def submit(self, url: str) -> httpx.Response:
        """Submit one download as the first user and return the answer."""
        return await self._users[0].post("/download", json={"url": url, "mode": "archive"})

    async def close(self) -> None:
        """Close the connections."""
        for http in self._users:
            await http.aclose()

    async def _joined(self, http: httpx.AsyncClient, email: str) -> bool:
        account = {"email": email, "password": "correct horse battery"}
        try:
            await http.post("/auth/register", json=account)
            answer = await http.post("/auth/login", json=account)
        except httpx.HTTPError:
            return False
        http.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"
        return True

    def _plan(self, number: int) -> tuple[str, str, str, float | None]:
        """Return an address, the MD5 behind it, a mode, and when to cancel it."""
        draw = self._random.random()
        path, size = f"/clips/{number}.mp4", self._random.randint(MIB, 5 * MIB)
        md5, pace = self._site.md5(f"{path}?size={size}"), {}
        if draw < 0.2:
            pace = {"bytes_per_s": size // self._random.randint(5, 40)}
        url = self._site.url(path, size=size, **pace)
        if draw > 0.9:
            url, md5 = self._broken(number, path, size), ""
        if self._asked and self._random.random() < 0.2:
            # Asked again: maybe while it runs, maybe long after, maybe by another.
            url, md5 = self._random.choice(self._asked)
        self._asked.append((url, md5))
        mode = self._random.choice(["quick_download", "archive"])
        cancel_s = self._random.uniform(0, 8) if self._random.random() < 0.08 else None
        return url, md5, mode, cancel_s

    def _broken(self, number: int, path: str, size: int) -> str:
        return self._random.choice(
            [
                self._site.url("/status/404"),
                self._site.url("/status/403"),
                self._site.url("/lies.mp4"),
                self._site.url(f"/flaky/{number}"),
                self._site.url(path, size=size, cut_after=size // 2),
                self._site.url(path, size=size, stall_after=size // 2),
            ]
        )

    async def _submit(
        self, start: float, url: str, md5: str, mode: str, cancel_s: float | None
    ) -> None:
        await asyncio.sleep(start)
        http = self._users[int(start * 1000) % USERS]
        self._write({"asked": url})
        while True:
            try:
                answer = await http.post("/download", json={"url": url, "mode": mode})
            except httpx.HTTPError:
                # The web process is away. It may have accepted it: then the row must end too.
                await asyncio.sleep(1)
                continue
            if answer.status_code == 202:
                break
            assert answer.status_code == 503, answer.text
            await asyncio.sleep(1)
        history_id = int(answer.json()["history_id"])
        self.accepted[history_id] = md5
        self._write({"accepted": history_id, "url": url})
        if cancel_s is not None:
            await asyncio.sleep(cancel_s)
            try:
                answer = await http.post(f"/download/{history_id}/cancel")
                self._write({"cancelled": history_id, "answer": answer.status_code})
            except httpx.HTTPError:
                self._write({"cancelled": history_id, "answer": None})

    def _write(self, line: dict[str, object]) -> None:
        with self._journal.open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")
