"""Fetches and looks with yt-dlp, from the event loop of a worker."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import structlog

from domain.download import FetchedMedia, Progress
from domain.failures import CorruptError, InterruptedDownloadError
from domain.findings import Findings
from gateways.egress.gate import Gate
from gateways.egress.passage import Passage
from gateways.ytdlp.endings import cause_of
from gateways.ytdlp.harvest import harvest, named
from gateways.ytdlp.lengths import check_length
from gateways.ytdlp.link import Job, Link
from gateways.ytdlp.looking import LOOK_BYTES, LookOrder, hear_out
from gateways.ytdlp.options import ChildOrder, FetchLimits, FetchOrder, Tools
from gateways.ytdlp.protocol import Done, Failed, Inspected, Merging, Report
from gateways.ytdlp.sandbox import Level, Sandbox, SandboxMissingError, check
from gateways.ytdlp.spawning import PROGRAM
from gateways.ytdlp.versions import Version, Versions
from gateways.ytdlp.watch import Watch, measure

GRACE = timedelta(seconds=1)
"""Between the request to end and the kill."""

PATIENCE = timedelta(seconds=5)
"""How long the server may take to report the end of a job that it was told to end."""

_log: Any = structlog.get_logger("gateways.ytdlp")

POLL_S = 2.0
"""Between two looks into the staging folder, at most."""


class Runner:
    """One fork server with as many fetches at once as the caller starts.

    Everything must be called from one event loop, and the thread of that loop must live as long
    as the runner: the server dies with it.
    """

    def __init__(
        self,
        limits: FetchLimits,
        tools: Tools,
        gate: Gate,
        *,
        sandbox: Sandbox = Sandbox.PREFER,
        versions: Versions | None = None,
        program: str = PROGRAM,
    ) -> None:
        self._limits = limits
        self._tools = tools
        self._gate = gate
        self._sandbox = sandbox
        self._versions = versions
        self._program = program
        self._link: Link | None = None
        self._retired: set[Link] = set()
        self._starting = asyncio.Lock()
        # A short stall timeout needs a closer look.
        self._poll_s = min(POLL_S, limits.stall_timeout.total_seconds() / 4)

    async def start(self) -> None:
        """Warm up the fork server; a second call does nothing while it lives.

        Raises:
            InterruptedDownloadError: The server did not come up.
            SandboxMissingError: This machine cannot give the sandbox that is required.
            YtdlpTooOldError: The yt-dlp that is installed has known holes.
        """
        await self._connect()

    @property
    def level(self) -> Level:
        """Return how strong the walls around the children are."""
        return Level.NONE if self._link is None else self._link.level

    async def close(self) -> None:
        """End the server and all fetches, which then raise ``InterruptedDownloadError``."""
        async with self._starting:
            for link in (self._link, *self._retired):
                if link is not None:
                    await link.close()
            self._link = None
            self._retired.clear()

    async def fetch(
        self, order: FetchOrder, on_progress: Callable[[Progress], None]
    ) -> FetchedMedia:
        """Return the file that was fetched into the order's staging folder.

        When this returns or raises, cancelled too, no process of the fetch is left.

        Args:
            on_progress: Called from the event loop, at most four times a second; what it raises
                ends the fetch.

        Raises:
            DownloadError: A leaf of domain/failures.py says why there is no file.
        """
        link = await self._connect()
        limits = replace(
            self._limits,
            max_bytes=min(self._limits.max_bytes, order.max_bytes),
            connections=1 if order.is_careful else self._limits.connections,
        )
        # The watch over the whole fetch speaks first; the gate only cuts what it cannot see.
        patience = 2 * limits.stall_timeout
        passage = Passage(order.lease, max_bytes=limits.max_bytes, patience=patience)
        child = ChildOrder(
            wish=order.wish, staging=order.staging, token=passage.token, cookies=order.cookies
        )
        job = await link.start(child, limits, self._tools)
        async with self._ending(link, job), self._gate.open(passage, job.door):
            told = await self._oversee(job, order, limits, on_progress)
        code = job.ended.result()
        if code != 0 or not isinstance(told, Done):
            raise cause_of(code, told, passage)
        media = await asyncio.to_thread(harvest, order.staging, told, limits.max_bytes)
        inspected = await self._inspect(media.path)
        warnings = check_length(inspected, told)
        media = await asyncio.to_thread(named, media, inspected)
        return replace(media, warnings=(*media.warnings, *warnings))

    async def look(self, order: LookOrder) -> Findings:
        """Return what is at an address; nothing is fetched, and no process of it is left.

        Raises:
            DownloadError: A leaf of domain/failures.py says why nothing is known.
        """
        link = await self._connect()
        passage = Passage(order.lease, max_bytes=LOOK_BYTES, patience=order.time_limit)
        job = await link.look(order.message(passage.token, self._limits, self._tools))
        async with self._ending(link, job), self._gate.open(passage, job.door):
            told = await hear_out(job, order)
        code = job.ended.result()
        if isinstance(told, Findings):
            return told
        raise cause_of(code, told, passage)

    async def _inspect(self, file: Path) -> Inspected:
        """Return what a second child, without any net, finds in a file.

        Raises:
            CorruptError: It is damaged, or looking into it takes too long.
            InterruptedDownloadError: The server died.
        """
        # Not the link of the fetch: an upgrade may have retired it, and its last job closed it.
        link = await self._connect()
        job = await link.inspect(file, self._limits)
        async with self._ending(link, job):
            await asyncio.wait({job.ended}, timeout=self._limits.time_limit.total_seconds())
            while job.ended.done() and not job.is_drained:
                await job.stir(POLL_S)
        if job.ended.result() is None:
            raise InterruptedDownloadError
        found = next((one for one in job.reports if isinstance(one, Inspected)), None)
        if found is None:
            raise CorruptError
        return found

    @asynccontextmanager
    async def _ending(self, link: Link, job: Job) -> AsyncGenerator[None]:
        """Leave no process of a job behind."""
        try:
            yield
        finally:
            try:
                if not job.ended.done():
                    await link.end(job, grace=GRACE, patience=PATIENCE)
            finally:
                link.forget(job)
                await self._close_if_done(link)

    async def _connect(self) -> Link:
        """Return a link to a living server with the yt-dlp that is wanted now."""
        async with self._starting:
            version = None if self._versions is None else self._versions.current()
            link = self._link
            if link is not None and link.is_alive and link.version == version:
                return link
            self._link = await self._opened(version)
            if link is not None:
                # What it still does it may finish; its last job closes it.
                self._retired.add(link)
                await self._close_if_done(link)
            return self._link

    async def _opened(self, version: Version | None) -> Link:
        link = await Link.open(
            self._limits.spare_children, self._sandbox, version=version, program=self._program
        )
        try:
            check(self._sandbox, link.level)
        except SandboxMissingError:
            await link.close()
            raise
        number = "bundled" if version is None else version.number
        _log.info("fork_server_ready", ytdlp=number, sandbox=link.level.value)
        return link

    async def _close_if_done(self, link: Link) -> None:
        if link in self._retired and (link.is_idle or not link.is_alive):
            self._retired.discard(link)
            await link.close()

    async def _oversee(
        self,
        job: Job,
        order: FetchOrder,
        limits: FetchLimits,
        on_progress: Callable[[Progress], None],
    ) -> Done | Failed | None:
        """Return the child's last word, or None, once nothing of the job is left.

        Raises:
            DownloadError: A limit was passed; the job still runs.
        """
        clock = asyncio.get_running_loop().time
        watch = Watch(limits, clock(), spare_bytes=order.spare_bytes)
        last: Done | Failed | None = None
        look_at = clock() + self._poll_s
        while not job.is_over:
            wait_s = min(max(0.0, look_at - clock()), watch.left(clock()))
            await job.stir(wait_s)
            for report in job.taken():
                last = _heard(report, watch, on_progress) or last
            if clock() >= look_at or watch.left(clock()) <= 0:
                look_at = clock() + self._poll_s
                watch.look(await asyncio.to_thread(measure, order.staging), clock())
        return last


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
        case _:
            pass  # Not of a fetch.
    return None
