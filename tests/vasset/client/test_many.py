"""More addresses than one request takes, and more downloads than one page shows."""

import asyncio
import json
import re
from collections.abc import AsyncGenerator, Generator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest

from tests.support.terminal import Shell
from tests.support.valkey import Valkey
from tests.vasset.client.conftest import ADA
from tests.web.conftest import Section, serving, settings_for

pytestmark = pytest.mark.usefixtures("one_day")

MANY = [f"https://example.com/watch/{number}" for number in range(101)]


class Counted:
    """Somebody with a key for a web process, which counts what it is asked."""

    def __init__(self, shell: Shell, url: str, bearer: str) -> None:
        self.shell = shell
        self.http = httpx.AsyncClient(
            base_url=url, headers={"Authorization": f"Bearer {bearer}"}, timeout=30
        )

    async def run(self, *words: str, said: Sequence[str] = ()) -> tuple[int, str, str]:
        """Return the status of a command, and what it wrote."""
        done = await asyncio.to_thread(self.shell.run, *words, said="\n".join(said))
        return done.returncode, done.stdout, done.stderr

    async def answers(self, route: str, status: int) -> int:
        """Return how often a route was answered with a status."""
        labels = rf'method="POST",route="/api/v1{route}",status="{status}"'
        found = re.search(
            rf"_seconds_count{{{labels}}} (\d+)", (await self.http.get("/metrics")).text
        )
        return int(found[1]) if found else 0


class Opened:
    """Web processes with limits of the test's own."""

    def __init__(self, database_url: str, redis_url: str, folder: Path) -> None:
        self._places = (database_url, redis_url, folder / "root")
        self._folder = folder

    @asynccontextmanager
    async def served(self, *scopes: str, **more: Section) -> AsyncGenerator[Counted]:
        async with serving(settings_for(*self._places, **more)) as site:
            async with httpx.AsyncClient(base_url=f"{site.url}/api/v1", timeout=30) as http:
                await http.post("/auth/register", json=ADA)
                token = (await http.post("/auth/login", json=ADA)).json()["access_token"]
                bearer = {"Authorization": f"Bearer {token}"}
                wanted = {"name": "tests", "scopes": list(scopes)}
                key = (await http.post("/auth/keys", json=wanted, headers=bearer)).json()["key"]
            counted = Counted(
                Shell(self._folder, VASSET_URL=site.url, VASSET_KEY=key, COLUMNS="70"),
                site.url,
                key,
            )
            async with counted.http:
                yield counted


@pytest.fixture
def counting(database_url: str, tmp_path: Path) -> Generator[Opened]:
    # Every database numbers its users from 1; nobody else may find what is counted of ours.
    with Valkey() as own:
        yield Opened(database_url, own.url, tmp_path)


async def test_they_go_in_by_smaller_batches_at_the_pace_that_the_server_sets(
    counting: Opened,
) -> None:
    limits: Section = {"per_user_submits": 30, "max_playlist_entries": 60}
    quota: Section = {"daily_downloads": 1_000}
    async with counting.served("read", "submit", downloads=limits, quota=quota) as me:
        while (await me.http.post("/api/v1/download", json={})).status_code != 429:
            pass
        got = await me.run("get", "-", "--no-wait", said=MANY)
        listed = await me.run("ls", "--limit", "1000", "--json")
        table = await asyncio.to_thread(me.shell.on_terminal, "ls", "--limit", "1")
        removed = await me.run("rm", *got[1].split())
        left = await me.run("ls")
        tries = await me.answers("/download/batch", 422)

    assert (got[0], len(got[1].split())) == (0, 101), got[2]
    # The client may have taken a part of the two seconds to come.
    assert re.search(r"waiting [12] s, then going on: ", got[2]), got[2]
    assert tries == 1
    assert [row["url"] for row in json.loads(listed[1])] == MANY[::-1]
    # On a narrow terminal the name alone is cut.
    assert re.search(r"\n101  queued \(slot\)  quick_download +\S+  https:\S*…", table[1]), table[1]
    assert (removed[0], left[1]) == (0, "")


async def test_a_refusal_that_holds_for_all_is_asked_for_once(counting: Opened) -> None:
    async with counting.served("read") as me:
        status, ids, told = await me.run(
            "get", "-", "--no-wait", said=[f"{url}{end}" for url in MANY for end in "ab"]
        )
        asked = await me.answers("/download/batch", 403)

    assert (status, ids, told.count("\n")) == (1, "", 202)
    assert asked == 1


async def test_what_is_beyond_a_full_quota_is_asked_for_once(counting: Opened) -> None:
    async with counting.served("read", "submit", quota={"daily_downloads": 2}) as me:
        status, ids, told = await me.run("get", "-", "--no-wait", said=MANY[:9])
        asked = await me.answers("/download", 429)

    assert (status, len(ids.split()), told.count("\n")) == (1, 2, 7)
    assert asked == 1
