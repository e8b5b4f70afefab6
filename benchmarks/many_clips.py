"""Forty clips of 1 MiB, four at once: V-Asset beside `xargs -P4 yt-dlp`."""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import psutil

from benchmarks.usage import Usage, measured
from tests.support.media import Media
from tests.support.program import Program
from tests.support.site import Site

CLIPS = 40
AT_ONCE = 4
SIZE_BYTES = 1 << 20
ROUNDS = 3
WANTED_RATIO = 0.25


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """One way of fetching all the clips, in its best round."""

    name: str
    seconds: float
    usage: Usage

    def row(self, slowest_s: float) -> str:
        """Return it as a row of a table."""
        return (
            f"| {self.name} | {self.seconds:.2f} | {self.seconds / slowest_s:.2f} "
            f"| {CLIPS / self.seconds:.1f} | {self.usage.cpu_s:.1f} "
            f"| {self.usage.peak_bytes / 2**20:.0f} |"
        )


def run() -> str:
    """Measure both ways in turn and return the table."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        media = folder / "media"
        media.mkdir()
        with Site(Media(media)) as site:
            urls = [site.url(f"/clips/{n}.mp4?size={SIZE_BYTES}") for n in range(CLIPS)]
            return _table(folder, urls)


def _table(folder: Path, urls: list[str]) -> str:
    environment = {
        "VASSET_EGRESS__ALLOW_PRIVATE": '["127.0.0.0/8"]',
        "VASSET_DOWNLOADS__SLOTS": str(AT_ONCE),
        "VASSET_DOWNLOADS__PER_USER_ACTIVE": str(AT_ONCE),
        "VASSET_QUOTA__DAILY_DOWNLOADS": "100000",
        # Each round asks for the same clips.
        "VASSET_DOWNLOADS__SHARE": "off",
        "VASSET_DOWNLOADS__PER_USER_SUBMITS": "0",
    }
    with Program(folder / "data", environment) as program, _account(program) as http:
        mother = psutil.Process(program.process.pid)
        ours: list[Result] = []
        theirs: list[Result] = []
        for number in range(ROUNDS):
            theirs.append(_command_line(folder / f"out{number}", urls))
            ours.append(_measured("V-Asset", mother, lambda: _submit_all(http, urls)))
    best = [min(results, key=lambda result: result.seconds) for results in (theirs, ours)]
    slowest = best[0].seconds
    verdict = "met" if best[1].seconds <= WANTED_RATIO * slowest else "NOT met"
    rows = "\n".join(result.row(slowest) for result in best)
    return (
        "| way | seconds | ratio | clips a second | CPU seconds | peak memory, MiB |\n"
        "|---|---|---|---|---|---|\n"
        f"{rows}\n\n"
        f"Wanted: a ratio of {WANTED_RATIO} at most: {verdict}. Best of {ROUNDS} rounds, in turn."
    )


def _command_line(out: Path, urls: list[str]) -> Result:
    out.mkdir()
    command = (
        f"xargs -P{AT_ONCE} -n1 {sys.executable} -m yt_dlp --quiet --no-warnings "
        f"--no-cache-dir --ignore-config -P {out}"
    )
    mother = psutil.Process(os.getpid())

    def fetch() -> None:
        subprocess.run(  # noqa: S603 - the thing compared with
            command.split(), input="\n".join(urls), text=True, check=True
        )

    result = _measured("`xargs -P4 yt-dlp`", mother, fetch, own=False)
    if len(list(out.iterdir())) != len(urls):
        message = "the command line did not fetch every clip"
        raise RuntimeError(message)
    return result


def _measured(
    name: str, mother: psutil.Process, work: Callable[[], None], *, own: bool = True
) -> Result:
    # The command line runs below this process, whose own work (the site) is not its doing.
    mine = psutil.Process().cpu_times()
    with measured(mother) as usage:
        begun = time.monotonic()
        work()
        seconds = time.monotonic() - begun
    if not own:
        now = psutil.Process().cpu_times()
        usage.cpu_s -= now.user + now.system - mine.user - mine.system
        usage.peak_bytes -= int(psutil.Process().memory_full_info().uss)
    return Result(name=name, seconds=seconds, usage=usage)


@contextmanager
def _account(program: Program) -> Generator[httpx.Client]:
    me = {"email": "bench@example.com", "password": "correct horse battery"}
    with httpx.Client(base_url=f"{program.url}/api/v1", trust_env=False) as http:
        http.post("/auth/register", json=me).raise_for_status()
        token = http.post("/auth/login", json=me).raise_for_status().json()["access_token"]
        http.headers["Authorization"] = f"Bearer {token}"
        yield http


def _submit_all(http: httpx.Client, urls: list[str]) -> None:
    ids = [
        http.post("/download", json={"url": url, "mode": "quick_download"})
        .raise_for_status()
        .json()["history_id"]
        for url in urls
    ]
    while True:
        items = http.get("/user/history", params={"limit": 100}).raise_for_status().json()["items"]
        mine = [item for item in items if item["history_id"] in ids]
        failed = [item for item in mine if item["status"] in ("failed", "cancelled")]
        if failed:
            raise RuntimeError(str(failed[0]))
        if all(item["status"] == "pending_cleanup" for item in mine) and len(mine) == len(ids):
            return
        time.sleep(0.05)
