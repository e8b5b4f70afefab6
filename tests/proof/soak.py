"""The soak: a fleet under load and random faults, then quiet, then the checker.

``make soak JOBS=500 MINUTES=25 SEED=1``; the last line is the verdict, the exit status 1 if any
promise was broken.
"""

import argparse
import asyncio
import secrets
import sys
import tempfile
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from storage.redis_door import connect
from tests.proof.checker import Verdict, check
from tests.proof.clients import Clients
from tests.proof.evidence import gather
from tests.proof.faults import Faults
from tests.proof.fleet import Fleet
from tests.support.site import Site

REST = timedelta(minutes=6)
"""How long everything accepted may take to end after the last fault: claims, retries, queue."""

_ACTIVE = "SELECT count(*) FROM download_history WHERE status IN (4, 5)"

# A living holder renews every 15 s, so a claim with less than 40 s left has nobody behind it.
_HURRY = (
    "UPDATE download_history SET claim_until = now() - interval '1 s',"
    " woken_at = now() - interval '5 min'"
    " WHERE status = 5 AND claim_until < now() + interval '40 s'"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """How hard a soak is.

    Attributes:
        hurry: Skip the minutes for which a dead holder's claim lasts.
    """

    jobs: int
    minutes: float
    seed: int
    every_s: tuple[float, float] = (10, 20)
    hurry: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What a soak found."""

    accepted: int
    ended: Mapping[str, int]
    struck: Mapping[str, int]
    rest_s: float
    verdict: Verdict

    def __str__(self) -> str:
        struck = ", ".join(f"{name} {count}" for name, count in sorted(self.struck.items()))
        ended = ", ".join(f"{name} {count}" for name, count in self.ended.items())
        return (
            f"faults: {sum(self.struck.values())} ({struck})\n"
            f"ended: {ended}\nat rest {self.rest_s:.0f} s after the last fault\n"
            f"{self.verdict.table(self.accepted)}"
        )


async def soak(run: Run, folder: Path) -> Report:
    """Run a fleet below a folder and return what is to be said of it."""
    with Site(folder / "media") as site, Fleet(folder) as fleet:
        base_url = f"http://127.0.0.1:{fleet.port}/api/v1"
        clients = Clients(base_url, site, run.seed, folder / "journal.jsonl")
        faults = Faults(fleet, run.seed, every_s=run.every_s)
        supervisor = asyncio.create_task(_supervise(fleet))
        await clients.join()
        striking = asyncio.create_task(faults.strike())
        seconds = run.minutes * 60
        await asyncio.gather(clients.submit_all(run.jobs, seconds * 0.8), asyncio.sleep(seconds))
        faults.end()
        await striking
        quiet_from = time.monotonic()
        verdict = await _at_rest(fleet, clients, hurry=run.hurry)
        rest_s = time.monotonic() - quiet_from
        await clients.close()
        await _end(supervisor)
        return Report(
            accepted=len(clients.accepted),
            ended=_ended(fleet),
            struck=faults.struck,
            rest_s=rest_s,
            verdict=verdict,
        )


async def _supervise(fleet: Fleet) -> None:
    """Start again whatever has ended, as systemd or Kubernetes would."""
    while True:
        for part in fleet.parts:
            part.keep_up()
        await asyncio.sleep(1)


async def _end(task: "asyncio.Task[None]") -> None:
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


async def _at_rest(fleet: Fleet, clients: Clients, *, hurry: bool) -> Verdict:
    """Return the verdict once nothing moves and all is well, or when the time for it is over."""
    redis = connect(fleet.valkey.url)
    end = time.monotonic() + REST.total_seconds()
    try:
        while True:
            await asyncio.sleep(2)
            if hurry:
                await asyncio.to_thread(fleet.ask, _HURRY)
            is_active = await asyncio.to_thread(fleet.ask, _ACTIVE) != "0"
            if is_active and time.monotonic() < end:
                continue
            evidence = await gather(
                fleet.postgres,
                fleet.database_url,
                redis,
                accepted=clients.accepted,
                roots=fleet.roots,
                processes=fleet.children_left(),
            )
            verdict = check(evidence)
            if not verdict.faults or time.monotonic() > end:
                return verdict
    finally:
        await redis.aclose()


def _ended(fleet: Fleet) -> dict[str, int]:
    sql = (
        "SELECT status || coalesce(' ' || error_code, ''), count(*)"
        " FROM download_history GROUP BY 1 ORDER BY 1"
    )
    lines = [line.split("|") for line in fleet.ask(sql).splitlines()]
    return {name: int(count) for name, count in lines}


def main() -> int:
    """Run the soak of the command line; the exit status."""
    parser = argparse.ArgumentParser(prog="make soak")
    parser.add_argument("--jobs", type=int, default=100)
    parser.add_argument("--minutes", type=float, default=5)
    parser.add_argument("--every", type=float, nargs=2, default=(10, 20), metavar="SECONDS")
    parser.add_argument("--seed", type=int, default=secrets.randbelow(10**6))
    asked = parser.parse_args()
    run = Run(
        jobs=asked.jobs,
        minutes=asked.minutes,
        seed=asked.seed,
        every_s=(asked.every[0], asked.every[1]),
    )
    sys.stdout.write(f"seed {run.seed}: {run.jobs} downloads in {run.minutes} minutes\n")
    sys.stdout.flush()
    with tempfile.TemporaryDirectory(prefix="vasset-soak-", ignore_cleanup_errors=True) as folder:
        report = asyncio.run(soak(run, Path(folder)))
    sys.stdout.write(f"{report}\n")
    return 1 if report.verdict.faults else 0


if __name__ == "__main__":
    sys.exit(main())
