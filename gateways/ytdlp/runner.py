"""Fetches with yt-dlp, from the event loop of a worker."""

import asyncio
import signal
from collections.abc import Callable
from datetime import timedelta

from domain.download import FetchedMedia, Progress
from domain.failures import CorruptError, InterruptedDownloadError, TooLargeError
from gateways.ytdlp.causes import error_of
from gateways.ytdlp.harvest import harvest
from gateways.ytdlp.link import Job, Link
from gateways.ytdlp.options import FetchLimits, FetchOrder, Tools
from gateways.ytdlp.protocol import Done, Failed, Merging, Report
from gateways.ytdlp.watch import Watch, measure

GRACE = timedelta(seconds=1)
"""Between the request to end and the kill."""

PATIENCE = timedelta(seconds=5)
"""How long the server may take to report the end of a job that it was told to end."""

POLL_S = 2.0
"""Between two looks into the staging folder, at most."""

_LIMIT_SIGNALS = {-signal.SIGXFSZ, -signal.SIGXCPU}


class Runner:
    """One fork server with as many fetches at once as the caller starts.

    Everything must be called from one event loop, and the thread of that loop must live as long
    as the runner: the server dies with it.
    """

    def __init__(self, limits: FetchLimits, tools: Tools) -> None:
        self._limits = limits
        self._tools = tools
        self._link: Link | None = None
        self._starting = asyncio.Lock()
        # A short stall timeout needs a closer look.
        self._poll_s = min(POLL_S, limits.stall_timeout.total_seconds() / 4)

    async def start(self) -> None:
        """Warm up the fork server; a second call does nothing while it lives.

        Raises:
            InterruptedDownloadError: The server did not come up.
        """
        await self._connect()

    async def close(self) -> None:
        """End the server and all fetches, which then raise ``InterruptedDownloadError``."""
        async with self._starting:
            if self._link is not None:
                await self._link.close()
                self._link = None

    async def fetch(
        self, order: FetchOrder, on_progress: Callable[[Progress], None]
    ) -> FetchedMedia:
        """Return the file that was fetched into the order's staging folder.

        When this returns or raises, cancelled too, no process of the fetch is left.

        Args:
            on_progress: Called from the event loop, at most four times a second.

        Raises:
            DownloadError: A leaf of domain/failures.py says why there is no file.
        """
        link = await self._connect()
        job = await link.start(order, self._limits, self._tools)
        try:
            told = await self._oversee(job, order, on_progress)
        finally:
            if not job.ended.done():
                await link.end(job, grace=GRACE, patience=PATIENCE)
            link.forget(job)
        code = job.ended.result()
        if code == 0 and isinstance(told, Done):
            return await asyncio.to_thread(harvest, order.staging, told, self._limits.max_bytes)
        raise _failure(code, told)

    async def _connect(self) -> Link:
        async with self._starting:
            if self._link is not None and not self._link.is_alive:
                await self._link.close()
                self._link = None
            if self._link is None:
                self._link = await Link.open(self._limits.spare_children)
            return self._link

    async def _oversee(
        self, job: Job, order: FetchOrder, on_progress: Callable[[Progress], None]
    ) -> Done | Failed | None:
        """Return the child's last word, or None, once nothing of the job is left.

        Raises:
            DownloadError: A limit was passed; the job still runs.
        """
        clock = asyncio.get_running_loop().time
        watch = Watch(self._limits, clock())
        last: Done | Failed | None = None
        look_at = clock() + self._poll_s
        while not (job.ended.done() and job.is_drained):
            wait_s = min(max(0.0, look_at - clock()), watch.left(clock()))
            await _stir(job, wait_s)
            for report in _taken(job):
                last = _heard(report, watch, on_progress) or last
            if clock() >= look_at or watch.left(clock()) <= 0:
                look_at = clock() + self._poll_s
                watch.look(await asyncio.to_thread(measure, order.staging), clock())
        return last


async def _stir(job: Job, wait_s: float) -> None:
    """Wait until the job says something or ends, but not longer than the given seconds."""
    try:
        async with asyncio.timeout(wait_s):
            await job.stirred.wait()
    except TimeoutError:
        return
    job.stirred.clear()


def _taken(job: Job) -> list[Report]:
    reports, job.reports = job.reports, []
    return reports


def _heard(
    report: Report, watch: Watch, on_progress: Callable[[Progress], None]
) -> Done | Failed | None:
    match report:
        case Progress():
            watch.hear(report.downloaded_bytes)
            on_progress(report)
        case Merging():
            watch.merging()
        case Done() | Failed():
            return report
    return None


def _failure(code: int | None, told: Done | Failed | None) -> Exception:
    """Return why there is no file, from how the child ended and what it said last."""
    if code in _LIMIT_SIGNALS:
        return TooLargeError()
    if code == 0:
        return CorruptError()
    if code is not None and isinstance(told, Failed):
        return error_of(told)
    return InterruptedDownloadError()
